// How changesets writes CHANGELOG.md: its own way, but for updated dependencies, which it would announce once for every
// changeset that they come from.
import changelog from '@changesets/cli/changelog';

const { getReleaseLine, getDependencyReleaseLine } = changelog;

// `changeset version` reads the default export.
export default {
  getReleaseLine,
  getDependencyReleaseLine: async (_changesets, dependencies) =>
    getDependencyReleaseLine([{}], dependencies),
};

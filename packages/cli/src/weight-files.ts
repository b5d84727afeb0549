import type { ModelComponent } from '@harmonica/weights';

/** The files that the weights of a component are in, sorted by name, for their hash; an index is none of them. */
export async function weightFiles(component: Pick<ModelComponent, 'files'>): Promise<string[]> {
  const files = await component.files();
  return files.filter((path) => !path.endsWith('.json')).sort();
}

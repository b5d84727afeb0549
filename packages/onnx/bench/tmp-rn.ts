import * as tf from '@tensorflow/tfjs-core'; import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs';
await tf.setBackend('cpu');
for (const [b, c] of [[1,2],[2,1],[2,2]] as const) {
const x = tf.zeros([b,3,4,c]) as tf.Tensor4D;
const dy = tf.reshape(tf.range(0, 72*b*c), [b,6,12,c]);
const g = tf.grad((t) => tf.image.resizeNearestNeighbor(t as tf.Tensor4D, [6,12]))(x, dy);
const t = tf.sum(tf.reshape(dy,[b,3,2,4,3,c]),[2,4]); console.log(b, c, tf.max(tf.abs(tf.sub(g,t))).dataSync()[0]);
}

/** Record keys and buckets of network coordinates. */

export const coordinateKey = (node: string) => `coordinate\0${node}`;

export const coordinateBuckets = {
  all: () => 'coordinates',
} as const;

/** Names of the views of network coordinates: one that shows all of them. */

export const coordinatesView = () => 'coordinates';

/** The service of this example, as generated code would describe it: one unary method, one stream. */

const text = {
  requestSerialize: (value) => Buffer.from(value),
  requestDeserialize: (bytes) => bytes.toString(),
  responseSerialize: (value) => Buffer.from(value),
  responseDeserialize: (bytes) => bytes.toString(),
};

export const echo = {
  greet: { path: '/example.Echo/Greet', requestStream: false, responseStream: false, ...text },
  count: { path: '/example.Echo/Count', requestStream: false, responseStream: true, ...text },
};

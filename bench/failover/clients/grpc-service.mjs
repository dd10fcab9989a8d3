/** The service of the gRPC backends: one method with empty messages. */

const empty = { serialize: () => Buffer.alloc(0), deserialize: () => ({}) };

export const webService = {
  get: {
    path: '/bench.Web/Get',
    requestStream: false,
    responseStream: false,
    requestSerialize: empty.serialize,
    requestDeserialize: empty.deserialize,
    responseSerialize: empty.serialize,
    responseDeserialize: empty.deserialize,
  },
};

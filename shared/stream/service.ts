/**
 * The stream's ground: generated protobuf services as grpc-js definitions, the converters between wire and domain types (wire.ts), and
 * the numbers both ends agree on (protocol.ts). Only the `stream` folders of hub and agent import the generated code.
 */
import {
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';

type MethodOf<I extends DescMessage, O extends DescMessage> = Pick<
  DescMethod,
  'methodKind' | 'name' | 'parent'
> & {
  readonly input: I;
  readonly output: O;
};

function serializer<D extends DescMessage>(schema: D): (message: MessageShape<D>) => Buffer {
  return (message) => {
    const bytes = toBinary(schema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

/** One generated method as grpc-js wants it: path, kind and codecs of both directions. */
export function toMethodDefinition<I extends DescMessage, O extends DescMessage>(
  method: MethodOf<I, O>,
): MethodDefinition<MessageShape<I>, MessageShape<O>> {
  const { input, output, methodKind } = method;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: serializer(input),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: serializer(output),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

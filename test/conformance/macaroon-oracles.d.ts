/** The parts of the two oracles that the tests use; neither package ships types that resolve. */
declare module 'macaroon' {
  export interface JsMacaroon {
    readonly signature: Uint8Array;
    readonly identifier: Uint8Array;
    addFirstPartyCaveat(condition: string): void;
    addThirdPartyCaveat(rootKey: Uint8Array, identifier: string, location: string): void;
    bindToRoot(signature: Uint8Array): void;
    exportJSON(): object;
    verify(
      rootKey: Uint8Array,
      check: (condition: string) => string | null,
      discharges?: readonly JsMacaroon[],
    ): void;
  }
  export function newMacaroon(making: {
    readonly version: 1 | 2;
    readonly rootKey: Uint8Array;
    readonly identifier: string;
    readonly location: string;
  }): JsMacaroon;
  export function importMacaroon(given: string | object): JsMacaroon;
}

declare module 'macaroons.js' {
  export interface JMacaroon {
    readonly signatureBuffer: Buffer;
    serialize(): string;
  }
  export const Macaroon: new (
    location: string,
    identifier: string,
    signature: Buffer,
    caveats: readonly unknown[],
  ) => JMacaroon;
  export class MacaroonsBuilder {
    constructor(location: string, rootKey: string, identifier: string);
    constructor(macaroon: JMacaroon);
    add_first_party_caveat(condition: string): MacaroonsBuilder;
    add_third_party_caveat(location: string, key: string, identifier: string): MacaroonsBuilder;
    prepare_for_request(discharge: JMacaroon): MacaroonsBuilder;
    getMacaroon(): JMacaroon;
    static deserialize(text: string): JMacaroon;
  }
  export class MacaroonsVerifier {
    constructor(macaroon: JMacaroon);
    satisfyExact(condition: string): MacaroonsVerifier;
    satisfy3rdParty(discharge: JMacaroon): MacaroonsVerifier;
    isValid(rootKey: string): boolean;
  }
}

declare module 'macaroons.js/lib/CaveatPacket.js' {
  const CaveatPacket: new (type: number, value: string | Buffer) => unknown;
  export default CaveatPacket;
}

declare module 'macaroons.js/lib/CaveatPacketType.js' {
  const CaveatPacketType: Readonly<Record<'cid' | 'vid' | 'cl', number>>;
  export default CaveatPacketType;
}

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { CompactEncrypt, compactDecrypt } from "jose";
import { accessToken, keys } from "../application.ts";
import { type Contestant, medianOf, race, ratioOf } from "../measure.ts";
import { duration, judged, type Line, type Part } from "../report.ts";

const raw = new Uint8Array(32).fill(7);
const binding = { key: "connection:connection-1", field: "grant", format: 1, generation: 3 } as const;
const text = JSON.stringify({ accessToken: accessToken(1), refreshToken: "refresh-1".padEnd(250, "x") });

interface Sealer {
  readonly name: string;
  seal(): Promise<string> | string;
  open(sealed: string): Promise<string> | string;
}

/** P9: sealing a row's secrets, and opening them. */
export async function p9(): Promise<Part> {
  const sealers = [linkwright, await jose("CryptoKey"), await jose("bytes"), await webCrypto(), nodeCrypto];
  const lines: Line[] = [];
  for (const work of ["open", "seal"] as const) {
    const contestants: Contestant[] = [];
    for (const { name, seal, open } of sealers) {
      const sealed = await seal();
      if ((await open(sealed)) !== text) throw new Error(`${name} does not give back what it sealed`);
      contestants.push({
        name,
        async run(times) {
          for (let turn = 0; turn < times; turn++) await (work === "open" ? open(sealed) : seal());
        },
      });
    }
    const samples = await race(contestants, { rounds: 25, turn: 40, warmUp: 1000 });
    for (const { name } of contestants)
      lines.push({
        work: `${work}, ${text.length.toLocaleString("en")} B`,
        contestant: name,
        measured: duration(medianOf(samples, name)),
        ...(name === linkwright.name &&
          judged(ratioOf(samples, name, "jose, CryptoKey"), { beside: "jose", most: 1.15 })),
      });
  }
  return {
    id: "p9",
    title: "Sealing a row",
    method:
      "One after the other, `dir` and A256GCM, what the row is bound to in the protected header or as additional data. jose is given a CryptoKey that was imported once, and the raw bytes as well.",
    lines,
  };
}

const linkwright: Sealer = {
  name: "linkwright",
  seal: () => keys.seal.seal(text, binding),
  open: (sealed) => keys.seal.open(sealed, binding),
};

const bound = () => JSON.stringify([binding.key, binding.field, binding.format, binding.generation]);

async function jose(given: "CryptoKey" | "bytes"): Promise<Sealer> {
  const imported = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  const key = given === "CryptoKey" ? imported : raw;
  const options = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };
  return {
    name: `jose, ${given}`,
    seal: () =>
      new CompactEncrypt(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: "bench", bound: bound() })
        .encrypt(key),
    async open(sealed) {
      const { plaintext, protectedHeader } = await compactDecrypt(sealed, key, options);
      if (protectedHeader.bound !== bound()) throw new Error("it is another row's");
      return new TextDecoder().decode(plaintext);
    },
  };
}

async function webCrypto(): Promise<Sealer> {
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  return {
    name: "WebCrypto",
    async seal() {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const additionalData = new TextEncoder().encode(bound());
      const options = { name: "AES-GCM", iv, additionalData };
      const sealed = await crypto.subtle.encrypt(options, key, new TextEncoder().encode(text));
      return Buffer.concat([iv, new Uint8Array(sealed)]).toString("base64url");
    },
    async open(sealed) {
      const bytes = Buffer.from(sealed, "base64url");
      const options = { name: "AES-GCM", iv: bytes.subarray(0, 12), additionalData: new TextEncoder().encode(bound()) };
      return new TextDecoder().decode(await crypto.subtle.decrypt(options, key, bytes.subarray(12)));
    },
  };
}

const nodeCrypto: Sealer = {
  name: "node:crypto",
  seal() {
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", raw, iv).setAAD(Buffer.from(bound()));
    const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([iv, body, cipher.getAuthTag()]).toString("base64url");
  },
  open(sealed) {
    const bytes = Buffer.from(sealed, "base64url");
    const decipher = createDecipheriv("aes-256-gcm", raw, bytes.subarray(0, 12))
      .setAAD(Buffer.from(bound()))
      .setAuthTag(bytes.subarray(-16));
    return decipher.update(bytes.subarray(12, -16), undefined, "utf8") + decipher.final("utf8");
  },
};

import { generate } from "selfsigned";

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority, a server at 127.0.0.1 and two clients, of which the authority knows one: made anew for each run. */
export async function certificates(): Promise<
  Readonly<Record<"authority" | "server" | "client" | "stranger", Certificate>>
> {
  const authority = await certificate("authority", { authority: true });
  return {
    authority,
    server: await certificate("server", { by: authority }),
    client: await certificate("client", { by: authority }),
    stranger: await certificate("client", {}),
  };
}

async function certificate(name: string, more: { authority?: boolean; by?: Certificate }): Promise<Certificate> {
  const made = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: more.authority
      ? [
          { name: "basicConstraints", cA: true, critical: true },
          { name: "keyUsage", keyCertSign: true, critical: true },
        ]
      : [
          {
            name: "subjectAltName",
            altNames: [
              { type: 7, ip: "127.0.0.1" },
              { type: 2, value: `${name}.test` },
            ],
          },
        ],
    ...(more.by && { ca: more.by }),
  });
  return { key: made.private, cert: made.cert };
}

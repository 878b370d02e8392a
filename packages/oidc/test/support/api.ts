import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { calculateJwkThumbprint, EmbeddedJWK, type JWTPayload, jwtVerify } from "jose";
import type { IndependentServer } from "./server.ts";

/** An API beside the authorization server: takes its tokens, and a proof with those that are bound (RFC 9449, section 7). */
export interface Api extends AsyncDisposable {
  readonly origin: string;
  readonly calls: readonly ApiCall[];
  /** The nonce that it asks for; none at first. */
  nonce: string | undefined;
  /** Refuses the next requests as stale, so many times. */
  stale: number;
}

export interface ApiCall {
  readonly method: string;
  readonly url: string;
  readonly scheme: string | undefined;
  readonly token: string | undefined;
  readonly proof?: JWTPayload;
  readonly body: string;
  readonly status: number;
  readonly error?: string;
}

export async function api(server: IndependentServer): Promise<Api> {
  const calls: ApiCall[] = [];
  const seen = new Set<string>();
  const state = { nonce: undefined as string | undefined, stale: 0 };
  const listener = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url = "", headers } = request;
    const [scheme, token] = (headers.authorization ?? "").split(" ");
    const given = [headers.dpop ?? []].flat()[0];
    let proof: JWTPayload | undefined;
    let error: string | undefined;
    try {
      const stored = await server.provider.AccessToken.find(token ?? "");
      const own = stored ?? (await server.provider.ClientCredentials.find(token ?? ""));
      if (!own || state.stale-- > 0) throw new Error("invalid_token");
      if (own.jkt !== undefined) {
        if (scheme !== "DPoP" || given === undefined) throw new Error("invalid_token");
        proof = await proven(given, { method, url, token: token ?? "", jkt: own.jkt });
      } else if (scheme !== "Bearer") throw new Error("invalid_token");
    } catch (thrown) {
      error = (thrown as Error).message;
    }
    const status = error === undefined ? 200 : 401;
    const body = Buffer.concat(chunks).toString();
    calls.push({
      method,
      url,
      scheme,
      token,
      body,
      status,
      ...(proof && { proof }),
      ...(error !== undefined && { error }),
    });
    if (state.nonce !== undefined) response.setHeader("dpop-nonce", state.nonce);
    if (error !== undefined) response.setHeader("www-authenticate", `DPoP algs="ES256", error="${error}"`);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ body }));
  }

  async function proven(
    given: string,
    of: { method: string; url: string; token: string; jkt: string },
  ): Promise<JWTPayload> {
    const { payload, protectedHeader } = await jwtVerify(given, EmbeddedJWK, { typ: "dpop+jwt" });
    const ath = createHash("sha256").update(of.token).digest("base64url");
    const wrong = [
      payload.htm !== of.method && "htm",
      payload.htu !== `${origin}${of.url.split("?")[0]}` && "htu",
      Math.abs(Date.now() / 1000 - (payload.iat ?? 0)) > 60 && "iat",
      payload.ath !== ath && "ath",
      (await calculateJwkThumbprint(protectedHeader.jwk ?? { kty: "" })) !== of.jkt && "jkt",
      (typeof payload.jti !== "string" || seen.has(payload.jti)) && "jti",
    ].filter((part) => part !== false);
    if (wrong.length > 0) throw new Error(`invalid_dpop_proof ${wrong.join(" ")}`);
    if (payload.nonce !== state.nonce) throw new Error("use_dpop_nonce");
    seen.add(payload.jti ?? "");
    return payload;
  }

  return {
    origin,
    calls,
    get nonce() {
      return state.nonce;
    },
    set nonce(nonce) {
      state.nonce = nonce;
    },
    get stale() {
      return state.stale;
    },
    set stale(times) {
      state.stale = times;
    },
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        listener.close(() => resolve());
        listener.closeAllConnections();
      });
    },
  };
}

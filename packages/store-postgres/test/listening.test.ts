import { once } from "node:events";
import { type AddressInfo, createServer, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { Pool, type PoolConfig } from "pg";
import { generate } from "selfsigned";
import { expect, onTestFinished, test, vi } from "vitest";
import { postgresStore } from "../src/index.ts";

test.each([
  ["a text", "hunter2"],
  ["a function", () => "hunter2"],
  ["a function that has to wait", async () => "hunter2"],
])(
  "G07 the connection that listens presents the password of the application's pool, given as %s",
  async (_, password) => {
    const { port, passwords } = await server();
    await useAndWatch({ port, password }, () => passwords.length);
    expect(new Set(passwords)).toEqual(new Set(["hunter2"]));
  },
);

test("G07 the connection that listens presents the certificate of the application's pool", async () => {
  const { private: key, cert } = await generate([{ name: "commonName", value: "app" }], { keyType: "ec" });
  const { port, passwords, certificates } = await server({ key, cert });
  const ssl = { key, cert, rejectUnauthorized: false };
  await useAndWatch({ port, password: "hunter2", ssl }, () => passwords.length);
  expect(new Set(certificates)).toEqual(new Set(["app"]));
});

test("G08 the connection that listens asks every 30 s whether the other side is there, whatever the pool does", async () => {
  const asked = vi.spyOn(Socket.prototype, "setKeepAlive");
  onTestFinished(() => asked.mockRestore());
  const { port, passwords } = await server();
  await useAndWatch({ port, password: "hunter2", keepAlive: false }, () => passwords.length);
  expect(new Set(asked.mock.calls.map((call) => call.join()))).toEqual(new Set(["true,30000"]));
});

/** Reads by a pool's connection, then watches, until the server heard from both. */
async function useAndWatch(options: PoolConfig, heard: () => number): Promise<void> {
  const pool = new Pool({ host: "127.0.0.1", user: "app", database: "app", ...options });
  const store = postgresStore({ pool, notify: true, onWarning: () => {} });
  await expect(store.read("key")).rejects.toThrow("The Postgres store lost its connection");
  expect(heard()).toBe(1);
  store.watch?.("key", () => {});
  await expect.poll(heard).toBeGreaterThan(1);
  await store.close();
  await pool.end();
}

/** As much of a server as asks for a password, notes it, and hangs up. */
async function server(secure?: { key: string; cert: string }) {
  const passwords: string[] = [];
  const certificates: unknown[] = [];
  const listening = createServer((socket) => {
    socket.on("error", () => {});
    if (!secure) return ask(socket);
    socket.once("data", () => {
      const secured = new TLSSocket(socket, {
        ...secure,
        isServer: true,
        requestCert: true,
        rejectUnauthorized: false,
      });
      secured.on("error", () => {});
      secured.once("secure", () => certificates.push(secured.getPeerCertificate().subject?.CN));
      ask(secured);
      socket.write("S");
    });
  });
  const ask = (socket: Duplex) => {
    socket.once("data", () => {
      // R, the length, and 3: a password in clear text is wanted.
      socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
      socket.once("data", (message: Buffer) => {
        // p, four bytes of length, the password, and a zero.
        passwords.push(message.toString("utf8", 5, message.length - 1));
        socket.end();
      });
    });
  };
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  onTestFinished(() => void listening.close());
  return { port: (listening.address() as AddressInfo).port, passwords, certificates };
}

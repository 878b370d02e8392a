import type { AppConnector } from "./connector.ts";

/** Whoever sent the request, as the application's own sign-in knows them. */
export interface Visitor {
  readonly userId: string;
  /** The id of this browser's session: unguessable, and renewed at sign-in. */
  readonly sessionId: string;
}

// #region connect
/** `POST /connect/flinks`, from a form on a page of your own. */
export async function connectBank({ providers }: AppConnector, visitor: Visitor): Promise<Response> {
  const flow = await providers.flinks.connect({
    owner: visitor.userId, // from your sign-in, never from the request's parameters
    session: visitor.sessionId,
    providerId: 1000, // Flinks's own parameter: which bank
    scope: ["ACCOUNT_BASIC", "TRANSACTIONS"],
  });
  return seeOther(flow.url);
}
// #endregion

// #region callback
/** `GET /callback/flinks` and `GET /callback/fiskil`: the flow says which provider it is. */
export async function finishConnecting(connector: AppConnector, visitor: Visitor, request: Request): Promise<Response> {
  const connection = await connector.complete(request, { session: visitor.sessionId });
  const { health } = await connection.status();
  // A fixed address of your own: nothing from the callback decides where the browser goes.
  return seeOther(health === "pending" ? "/accounts?linked=soon" : "/accounts?linked=now");
}
// #endregion

// #region reconnect
/** `POST /connections/:id/reconnect`: the same connection with a new grant. */
export async function reconnectBank(connector: AppConnector, visitor: Visitor, id: string): Promise<Response> {
  const flow = await connector.providers.flinks.connect({
    owner: visitor.userId,
    session: visitor.sessionId,
    connection: id,
    providerId: 1000,
  });
  return seeOther(flow.url);
}
// #endregion

// #region webhook
/** `POST /webhooks/fiskil`: the raw request, unread, since the signature is over its bytes. */
export async function receiveFromFiskil({ providers }: AppConnector, request: Request): Promise<Response> {
  // Throws unless it is signed.
  await providers.fiskil.webhook(request, {
    // Awaited before the message counts as seen: where it fails, the next delivery is taken as the first.
    async handle({ event }) {
      if (event.type === "banking.transactions.sync.completed") await importTransactions(event.endUserId);
    },
  });
  return new Response(null, { status: 204 }); // said only after it was applied: otherwise it comes again
}
// #endregion

// #region disconnect
/** `POST /connections/:id/disconnect` */
export async function disconnectBank(connector: AppConnector, visitor: Visitor, id: string): Promise<Response> {
  const connection = await connector.connection(id, { owner: visitor.userId });
  const { disconnected, revocations } = await connection.disconnect();
  // false: something may live on at the provider; maintenance tries again until it is settled.
  return Response.json({ disconnected, revocations });
}
// #endregion

/** A redirect that turns a POST into a GET. */
function seeOther(location: string): Response {
  return new Response(null, { status: 303, headers: { location } });
}

async function importTransactions(_endUserId: string | undefined): Promise<void> {}

export type { StandardSchemaV1 } from "@standard-schema/spec";
export type { Application, ApplicationOptions } from "./application.ts";
export {
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretPost,
  publicClient,
} from "./client-authentication.ts";
export { type Clock, sleep, systemClock, within } from "./clock.ts";
export type { AccessTokenOptions, Connection, ConnectionStatus } from "./connection.ts";
export {
  allowInsecureLoopback,
  type Connector,
  type ConnectorOptions,
  createConnector,
} from "./connector.ts";
export type { DisconnectReport } from "./disconnect.ts";
export type { ConnectionEvent, ConnectorEvents, EventName } from "./events.ts";
export {
  ConnectorError,
  type Fault,
  type FaultDetails,
  type FaultKind,
  type FlowReason,
  type GoneReason,
  isConnectorError,
  misconfigured,
  quote,
  type ReauthorizeReason,
} from "./faults.ts";
export type { ConnectRequest, Flow } from "./flow.ts";
export type { ProviderHandle } from "./handle.ts";
export type { MaintainOptions, Outcome, Report } from "./maintenance.ts";
export type { ScheduleOptions } from "./maintenance-schedule.ts";
export { memoryStore } from "./memory-store.ts";
export { defaultTiming, type Timing } from "./policy.ts";
export {
  type AccessTokenDefinition,
  type Answer,
  type AnyProvider,
  type ApiCall,
  type ApiDefinition,
  type ApiRequest,
  type AuthorizationBegun,
  type AuthorizationRequest,
  type BeginRequest,
  type ClientDefinition,
  type ConnectDefinition,
  type ConsentReading,
  type Dialect,
  days,
  defineProvider,
  type FaultReading,
  type GrantReading,
  type GrantsDefinition,
  type HostedSession,
  type NoParameters,
  type Provider,
  type ProviderDefinition,
  type RefreshTokenDefinition,
  type Revocation,
  type ServerDefinition,
  type TokenRequest,
} from "./provider.ts";
export type {
  CallRequest,
  ConnectionContext,
  ConnectionView,
  DisconnectContext,
  ExtensionGrantRequest,
  ExtrasContext,
  ProviderContext,
  ServerContext,
} from "./provider-context.ts";
export type { ProofAnswer, ProofDefinition, ProofRequest } from "./provider-proof.ts";
export type { WebhookDefinition, WebhookEffect, WebhookMessage, WebhookRequest } from "./provider-webhook.ts";
export type { ResealOptions, ResealReport } from "./reseal.ts";
export {
  type Binding,
  dangerouslyUnsealed,
  type KeyMaterial,
  type Keyring,
  type KeyringEntry,
  keyring,
  type Seal,
} from "./seal.ts";
export { hideSecret, isSecret, revealSecret, Secret, type SecretSource } from "./secret.ts";
export type { Index, ListQuery, Page, Store, StoredItem, StoredValue, Version, WriteOptions } from "./store.ts";
export type { ExportedGrant, GrantImport } from "./transfer.ts";
export type { WebhookReceipt, WebhookReception } from "./webhooks.ts";

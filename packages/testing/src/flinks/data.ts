import { createHash } from "node:crypto";

/** A bank that Flinks reaches. */
export interface FlinksProvider {
  readonly provider_id: number;
  readonly name: string;
  readonly country: "CA" | "US";
  readonly provider_url: string;
  /** What it can share; a user's grant is never wider. */
  readonly scopes: readonly string[];
  /** Whether it tells the payment networks of an account. */
  readonly paymentNetworks: boolean;
}

/** An account in FDX's words, under the kind that wraps it in lists. */
export interface FlinksAccount {
  readonly kind: "depositAccount" | "locAccount" | "loanAccount" | "investmentAccount";
  readonly accountId: string;
  readonly account: Readonly<Record<string, unknown>>;
  readonly transactions: readonly FlinksTransaction[];
  readonly statements?: readonly { readonly statementId: string; readonly statementDate: string }[];
  /** Answered with 705 where set. */
  readonly closed?: boolean;
}

/** A transaction as the API shows it. */
export interface FlinksTransaction {
  readonly transactionId: string;
  /** ISO 8601. */
  readonly transactionTimestamp: string;
  readonly description: string;
  readonly amount: number;
  readonly debitCreditMemo: "DEBIT" | "CREDIT";
  readonly status: "POSTED" | "PENDING";
}

/** Somebody with accounts at a bank. */
export interface FlinksUser {
  /** The `sub` of access tokens. */
  readonly customerId: string;
  readonly name: { readonly first: string; readonly last: string };
  readonly email: readonly string[];
  readonly accounts: readonly FlinksAccount[];
}

export const userScopes = [
  "ACCOUNT_BASIC",
  "ACCOUNT_DETAILED",
  "ACCOUNT_PAYMENTS",
  "TRANSACTIONS",
  "INVESTMENTS",
  "STATEMENTS",
  "CUSTOMER_CONTACT",
  "CUSTOMER_PERSONAL",
] as const;

/** The banks that a simulated Flinks has unless told otherwise. */
export const defaultProviders: readonly FlinksProvider[] = [
  bank(1000, "Flinks Capital", "CA", userScopes, true),
  bank(1001, "Second Bank", "CA", ["ACCOUNT_BASIC", "TRANSACTIONS"], false),
  bank(2000, "First Bank of Testing", "US", userScopes, false),
];

function bank(
  provider_id: number,
  name: string,
  country: "CA" | "US",
  scopes: readonly string[],
  paymentNetworks: boolean,
): FlinksProvider {
  return { provider_id, name, country, provider_url: `https://bank-${provider_id}.example`, scopes, paymentNetworks };
}

/** Someone with a chequing account of five transactions and a line of credit of one. */
export function defaultUser(name: string): FlinksUser {
  const digest = createHash("sha256").update(name).digest("hex");
  const customerId = `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
  return {
    customerId,
    name: { first: name, last: "Example" },
    email: [`${name}@example.com`],
    accounts: [
      {
        kind: "depositAccount",
        accountId: "11",
        account: {
          accountCategory: "DEPOSIT_ACCOUNT",
          accountType: "CHECKING",
          accountNumber: "0001234",
          accountNumberDisplay: "****1234",
          status: "OPEN",
          currency: { currencyCode: "CAD" },
          currentBalance: 120.5,
          availableBalance: 110.5,
        },
        transactions: [1, 2, 3, 4, 5].map((day) => transaction(`t${day}`, `2026-01-0${day}T12:00:00Z`, -10 * day)),
        statements: [{ statementId: "s1", statementDate: "2026-01-01" }],
      },
      {
        kind: "locAccount",
        accountId: "12",
        account: {
          accountCategory: "LOC_ACCOUNT",
          accountType: "CREDITCARD",
          accountNumber: "0005678",
          accountNumberDisplay: "****5678",
          status: "OPEN",
          currency: { currencyCode: "CAD" },
          currentBalance: -80,
          availableBalance: 920,
        },
        transactions: [transaction("t6", "2026-01-03T09:30:00Z", -80)],
      },
    ],
  };
}

function transaction(transactionId: string, transactionTimestamp: string, amount: number): FlinksTransaction {
  return {
    transactionId,
    transactionTimestamp,
    description: `Purchase ${transactionId}`,
    amount: Math.abs(amount),
    debitCreditMemo: amount < 0 ? "DEBIT" : "CREDIT",
    status: "POSTED",
  };
}

/** A bank or an energy retailer as the API shows it. */
export interface FiskilInstitution {
  readonly id: string;
  readonly name: string;
  readonly industry: "banking" | "energy";
  readonly is_accessible: boolean;
  readonly priority: number;
  readonly status: { readonly connections: { readonly status: "HEALTHY" | "DEGRADED" | "OUTAGE" } };
}

/** An account as the API shows it, with what it holds. */
export interface FiskilAccount {
  readonly account_id: string;
  readonly display_name: string;
  readonly nickname: string;
  readonly masked_number: string;
  readonly account_number: string;
  readonly bsb: string;
  readonly product_category: string;
  readonly open_status: "OPEN" | "CLOSED";
  readonly balance: { readonly current: string; readonly available: string; readonly currency: string };
  readonly transactions: readonly FiskilTransaction[];
}

/** A transaction as the API shows it. */
export interface FiskilTransaction {
  readonly transaction_id: string;
  readonly status: "PENDING" | "POSTED";
  readonly description: string;
  readonly amount: string;
  readonly currency: string;
  /** RFC 3339. */
  readonly posting_date_time: string;
}

const healthy = { connections: { status: "HEALTHY" } } as const;

/** The bank of the sandbox, and two that a sandbox key does not reach. */
export const defaultInstitutions: readonly FiskilInstitution[] = [
  {
    id: "88888",
    name: "Banking Sandbox Data Holder",
    industry: "banking",
    is_accessible: true,
    priority: 1,
    status: healthy,
  },
  { id: "4", name: "Example Bank", industry: "banking", is_accessible: false, priority: 2, status: healthy },
  {
    id: "77",
    name: "Example Energy",
    industry: "energy",
    is_accessible: false,
    priority: 3,
    status: { connections: { status: "DEGRADED" } },
  },
];

export const permissions: readonly { name: string; scope: string; industry: string }[] = [
  ...industry("banking", ["accounts", "balances", "transactions", "payees", "direct_debits", "scheduled_payments"]),
  ...industry("energy", [
    "energy_accounts",
    "energy_balances",
    "usage",
    "billing",
    "invoices",
    "concessions",
    "service_points",
    "der",
    "payment_schedule",
  ]),
  ...industry("common", ["identity"]),
];

function industry(name: string, names: readonly string[]) {
  return names.map((one) => ({
    name: one,
    scope: `${name}:${one}.read`,
    industry: name,
    description: `Reads ${one.replaceAll("_", " ")}.`,
    standards: "CDR",
  }));
}

/** A transaction account of five transactions, and a savings account of one. */
export function defaultAccounts(endUserId: string, institutionId: string): readonly FiskilAccount[] {
  const account = (number: number, name: string, category: string, days: readonly number[]): FiskilAccount => ({
    account_id: `acc-${number}-${endUserId}-${institutionId}`,
    display_name: name,
    nickname: name,
    masked_number: `xxxx${number}234`,
    account_number: `10${number}234`,
    bsb: "062-000",
    product_category: category,
    open_status: "OPEN",
    balance: { current: "120.50", available: "110.50", currency: "AUD" },
    transactions: days.map((day) => ({
      transaction_id: `txn-${number}-${day}-${endUserId}`,
      status: "POSTED",
      description: `Purchase ${day}`,
      amount: `-${day}0.00`,
      currency: "AUD",
      posting_date_time: `2026-01-0${day}T03:00:00Z`,
    })),
  });
  return [
    account(1, "Everyday", "TRANS_AND_SAVINGS_ACCOUNTS", [1, 2, 3, 4, 5]),
    account(2, "Saver", "TRANS_AND_SAVINGS_ACCOUNTS", [6]),
  ];
}

import { spawn } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { freePort } from "../../testing/test/support/ports.ts";
import { createFolder, createProject, type Output, type Project } from "./project.ts";
import type { Registry } from "./registry.ts";
import { workerd } from "./runtimes.ts";
import { isPortable, publicPackages, specifiers } from "./workspace.ts";

/** The conformance program in an application of its own, with the packages as they were packed. */
export interface Application extends Disposable {
  /** Runs it, in a world of its own, by a program that takes a file and its arguments. */
  run(program: string, arguments_?: readonly string[]): Promise<Output>;
  /** Runs it as a worker, bundled; the output is what the worker answers. */
  runWorker(): Promise<Output>;
}

const sources = fileURLToPath(new URL("./conformance/", import.meta.url));

export async function createApplication(registry: Registry): Promise<Application> {
  const folder = createFolder();
  const project = createProject(folder, "application");
  const portable = publicPackages.filter(isPortable);
  await project.install(registry, [...portable.map(({ manifest }) => manifest.name), "@linkwright/testing"]);
  cpSync(sources, project.folder, { recursive: true });
  const names = portable.flatMap(specifiers);
  const imports = names.map((name, n) => `import * as part${n} from ${JSON.stringify(name)};`);
  const head = `${imports.join("\n")}\nimport { conform } from "./conform.ts";\n`;
  const packages = `{ ${names.map((name, n) => `${JSON.stringify(name)}: part${n}`).join(", ")} }`;
  project.write(
    "run.ts",
    `import { argv } from "node:process";\n${head}console.log(JSON.stringify(await conform(JSON.parse(argv[2]), ${packages})));\n`,
  );
  const answer = `const answer = async (setting) => Response.json(await conform(setting, ${packages}));`;
  const failure = "(error) => new Response(error.stack, { status: 500 })";
  const worker = `export default { fetch: (_, { SETTING }) => answer(SETTING).catch(${failure}) };`;
  project.write("worker.ts", `${head}${answer}\n${worker}\n`);
  return {
    async run(program, arguments_ = []) {
      await using world = await openWorld(project);
      return await project.run(program, [...arguments_, "run.ts", world.setting], { timeout: 120_000 });
    },
    async runWorker() {
      await using world = await openWorld(project);
      return await work(project, world.setting);
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** The simulators, in a process beside. */
async function openWorld({ folder }: Project): Promise<AsyncDisposable & { readonly setting: string }> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "world.ts"], {
    cwd: folder,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const { value, done } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  if (done) throw new Error("the simulators did not start");
  return {
    setting: value,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}

/** By workerd, the runtime under Cloudflare's workers, without compatibility with Node. */
async function work(project: Project, setting: string): Promise<Output> {
  const modules = await bundle(project);
  const port = await freePort();
  const configuration = project.write(
    "workerd.capnp",
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "loopback", network = (allow = ["private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  globalOutbound = "loopback",
  bindings = [(name = "SETTING", json = ${JSON.stringify(setting)})],
  modules = [${modules.map((name) => `(name = ${JSON.stringify(name)}, esModule = embed ${JSON.stringify(`worker/${name}`)})`).join(", ")}],
);
`,
  );
  const child = spawn(workerd, ["serve", configuration], { cwd: project.folder, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk) => (said += String(chunk)));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  try {
    const response = await Promise.race([
      answered(`http://127.0.0.1:${port}/`),
      ended.then(() => Promise.reject(new Error(`workerd ended: ${said}`))),
    ]);
    return { status: response.status === 200 ? 0 : response.status, stdout: await response.text(), stderr: said };
  } finally {
    child.kill();
    await ended;
  }
}

/** The worker and what it loads later, the worker first. */
async function bundle({ folder }: Project): Promise<string[]> {
  const joined = await rolldown({
    input: join(folder, "worker.ts"),
    cwd: folder,
    platform: "neutral",
    resolve: { mainFields: ["module", "main"] },
  });
  const { output } = await joined.write({
    dir: join(folder, "worker"),
    format: "esm",
    entryFileNames: "worker.js",
    chunkFileNames: "[name].js",
  });
  await joined.close();
  return output.filter((file) => file.type === "chunk").map(({ fileName }) => fileName);
}

/** Asks until somebody listens. */
async function answered(url: string): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await fetch(url);
    } catch (error) {
      if (attempt > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

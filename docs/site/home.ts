import { sectionOf } from "./markdown.ts";

/** The first page: what it is in a glance, then the README's own words. */
export function home(readme: string): string {
  const take = (heading: string) => `## ${heading}\n\n${sectionOf(readme, heading)}\n`;
  return `${frontmatter}
<div class="home-text">

${take("Two commands")}
${take("Quick start")}
${take("What is promised")}
${take("Packages")}
</div>
`;
}

const frontmatter = `---
layout: home
title: Linkwright
titleTemplate: Connections to banks and books that stay alive
hero:
  name: Linkwright
  text: Connections to banks and books that stay alive
  tagline: Links the users of a TypeScript application to their accounts at banks, aggregators and accounting systems, and asks nobody to connect again without need.
  actions:
    - theme: brand
      text: Getting started
      link: /getting-started
    - theme: alt
      text: When to use what
      link: /comparison
    - theme: alt
      text: What is promised
      link: /guarantees
features:
  - title: One renewal for everybody
    details: A thousand callers, in one process or on eight machines, meet an expired token. One request goes out, and all of them get its result. There is no lock service.
    link: /concepts#two-processes-and-a-crash
    linkText: How
  - title: Crashes and lost answers
    details: What was on its way is in the row. Whoever comes next sees it, and settles it as that server allows. The one loss that cannot be avoided is named.
    link: /renewal
    linkText: The protocol
  - title: Errors that say what to do
    details: Ten kinds, told apart by the compiler. Ask the user, try again at a time, call the operator, or nothing at all. None of them holds a secret.
    link: /errors
    linkText: All of them
  - title: Providers as they are
    details: Fiskil, Fiskl and Flinks come with it, each oddity in its adapter. A standard provider is data alone.
    link: /writing-a-provider
    linkText: Write one
  - title: Your own store
    details: SQLite, PostgreSQL, Redis, or a handful of methods over what you have. Tokens are sealed with your key.
    link: /stores
    linkText: Which one
  - title: Tested against servers
    details: Every provider is simulated as a real server, with a clock that you move and faults by name. They are yours to test with.
    link: /torture
    linkText: What it went through
---
`;

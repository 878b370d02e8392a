/** Three processes, one row, one request: what the first page shows beside its words. In the page's colours and font. */

const process = (x: number, name: string) =>
  `<rect x="${x}" y="8" width="104" height="44" rx="8" class="box"/><text x="${x + 52}" y="35">${name}</text>`;

const line = (y: number, name: string, value: string, accent = false) =>
  `<text x="88" y="${y}" class="name">${name}</text><text x="312" y="${y}" class="value${accent ? " accent" : ""}">${value}</text>`;

export const picture = `<svg class="hero-picture" viewBox="0 0 400 372" role="img" aria-label="Three processes share one row. The one whose claim is in it sends one request to the bank.">
<defs><marker id="hero-arrow" markerWidth="8" markerHeight="8" refX="6" refY="4" orient="auto"><path d="M0 0 8 4 0 8z" class="arrow-head"/></marker></defs>
${process(8, "process A")}${process(148, "process B")}${process(288, "process C")}
<path d="M60 52 C60 84 150 84 150 112" class="line active"/><path d="M200 52V112" class="line"/><path d="M340 52 C340 84 250 84 250 112" class="line"/>
<rect x="64" y="114" width="272" height="142" rx="10" class="row"/>
<text x="88" y="142" class="title">connection</text>
${line(170, "status", "healthy")}${line(192, "claim", "A, beating", true)}${line(214, "generation", "7")}${line(236, "grant", "sealed")}
<path d="M200 256V310" class="line active" marker-end="url(#hero-arrow)"/><text x="212" y="288" class="note">one request</text>
<rect x="130" y="316" width="140" height="48" rx="8" class="box"/><text x="200" y="345">bank</text>
</svg>`;

// Bundles the page into playground/page/static, which is checked in: no Node is needed to run it.
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static");

// The library scopes its style by an id, which may be on a page once only; its class does as well.
const scopedByClass = {
  name: "scoped-by-class",
  setup(builder) {
    builder.onLoad({ filter: /slack-blocks-to-jsx[\\/]dist[\\/]style\.css$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll("#slack_blocks_to_jsx", ".slack_blocks_to_jsx"),
      loader: "css",
    }));
  },
};

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: { page: "src/main.tsx" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  charset: "utf8",
  define: { "process.env.NODE_ENV": '"production"' },
  legalComments: "none",
  metafile: true,
  plugins: [scopedByClass],
});
for (const name of ["index.html", "icon.svg"]) copyFileSync(join(here, "src", name), join(out, name));
writeFileSync(join(out, "licences.txt"), licences(Object.keys(metafile.inputs)));
writeFileSync(join(out, "source.sha256"), `${sourceHash()}\n`);

function licences(inputs) {
  const packages = new Set(
    inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]).filter(Boolean),
  );
  return [...packages].sort().map(licence).join("\n\n");
}

function licence(name) {
  const folder = join(here, "node_modules", name);
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? readFileSync(join(folder, file), "utf8").trim() : "";
  return `${name} ${about.version} (${about.license ?? "see below"})\n${text}`.trim();
}

// The same as tests/unit/playground/page/test_bundle.py computes: a bundle that is older than web/ fails there.
function sourceHash() {
  const hash = createHash("sha256");
  for (const path of sources(here).sort()) {
    hash.update(`${path}\0`);
    hash.update(readFileSync(join(here, path)));
    hash.update("\0");
  }
  return hash.digest("hex");
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules") return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : [relative(here, path).split("\\").join("/")];
  });
}

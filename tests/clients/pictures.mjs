// Parses diagrams with Mermaid: `node pictures.mjs FILE`; the file contains a JSON list of texts. Prints a list of
// {type, states, arrows, events}. If a text is not a valid diagram, it exits with the parser's message.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

// Mermaid needs a browser environment to sanitize labels.
globalThis.window = new JSDOM("").window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");

const found = [];
for (const text of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  await mermaid.parse(text);
  const { type, db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  const drawn = type === "stateDiagram" ? db.getData() : { nodes: [], edges: [] };
  const states = drawn.nodes.filter((node) => node.shape === "rect").map((node) => node.id);
  const arrows = drawn.edges.filter((edge) => states.includes(edge.start)).map((edge) => [edge.start, edge.end]);
  const events = type === "timeline" ? db.getTasks().map((task) => [task.task, ...task.events]) : [];
  found.push({ type, states, arrows, events });
}
console.log(JSON.stringify(found));

import { createServer } from "node:http";

const server = createServer((request, response) => response.end(String(process.pid)));
server.listen({fd: 3});
process.on("SIGTERM", () => server.close());

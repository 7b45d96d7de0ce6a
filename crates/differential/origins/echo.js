// Runs every request to its end and says so, a line of JSON each, before it answers.
const http = require("node:http");
const crypto = require("node:crypto");
const fs = require("node:fs");

const server = http.createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    const body = Buffer.concat(pieces);
    let path = "";
    try {
      path = decodeURIComponent(new URL("http://a" + request.url).pathname);
    } catch {
      path = "not a path: " + request.url;
    }
    const contexts = [];
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      if (request.rawHeaders[at].toLowerCase() === "portreeve-context") contexts.push(request.rawHeaders[at + 1]);
    }
    const run = {
      method: request.method,
      target: request.url,
      path,
      host: request.headers.host ?? "",
      contexts,
      length: body.length,
      body: crypto.createHash("sha256").update(body).digest("hex"),
    };
    fs.writeSync(1, JSON.stringify(run) + "\n");
    response.end("ran\n");
  });
});
server.listen(0, "127.0.0.1", () => fs.writeSync(1, server.address().port + "\n"));
process.stdin.on("end", () => process.exit(0)).resume();

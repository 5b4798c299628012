// Repeats GetCallerIdentity with one client until the file exists. The SDK for JavaScript v2 does not support
// AWS_ENDPOINT_URL.
const { existsSync } = require("node:fs");
const { setTimeout } = require("node:timers/promises");
const AWS = require("aws-sdk");

const sts = new AWS.STS({ endpoint: process.env.AWS_ENDPOINT_URL });
(async () => {
  while (!existsSync(process.argv[2])) {
    await sts.getCallerIdentity({}).promise();
    await setTimeout(200);
  }
})();

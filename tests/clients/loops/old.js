// One GetCallerIdentity with the SDK for JavaScript v2, which does not support AWS_ENDPOINT_URL.
const AWS = require("aws-sdk");

new AWS.STS({ endpoint: process.env.AWS_ENDPOINT_URL }).getCallerIdentity({}, (error) => {
  if (error) {
    console.error(`${error.code}: ${error.message}`);
    process.exitCode = 1;
  }
});

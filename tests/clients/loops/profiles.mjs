// Repeats GetCallerIdentity with a client for each of three profiles until the file exists.
//
//     profiles.mjs once|again FILE
//
// `once` uses the same clients all the time. `again` opens new ones for each round, which read the shared files again.
import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fromIni } from "@aws-sdk/credential-provider-ini";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const again = process.argv[2] === "again";
const clients = new Map();

function open(profile) {
  // The address of STS says whose request it is.
  const endpoint = `${process.env.AWS_ENDPOINT_URL}/${profile}`;
  // Without `ignoreCache` the SDK reads each file only once.
  if (again) return new STSClient({ endpoint, credentials: fromIni({ profile, ignoreCache: true }) });
  return new STSClient(profile === "default" ? { endpoint } : { endpoint, profile });
}

while (!existsSync(process.argv[3])) {
  for (const profile of ["default", "prod", "audit"]) {
    if (again || !clients.has(profile)) clients.set(profile, open(profile));
    await clients.get(profile).send(new GetCallerIdentityCommand({}));
  }
  await setTimeout(200);
}

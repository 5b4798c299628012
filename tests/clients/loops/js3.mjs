// Repeats GetCallerIdentity with one client until the file exists.
import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const sts = new STSClient({});
while (!existsSync(process.argv[2])) {
  await sts.send(new GetCallerIdentityCommand({}));
  await setTimeout(200);
}

// A bot that answers, plays a prompt, waits for key 1, and hangs up: with Microsoft's clients for JavaScript, by https.

import { createServer } from "node:http";
import { ClientSecretCredential } from "@azure/identity";
import { Client } from "@microsoft/microsoft-graph-client";
import providers from "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js";

const of = (name) => process.env[`CALLFLOW_${name}`];
const [callback, control] = [of("CALLBACK"), of("CONTROL")];
const credential = new ClientSecretCredential(of("TENANT"), of("APP"), of("SECRET"), {
  authorityHost: of("AUTHORITY"),
  disableInstanceDiscovery: true,
});
const graph = Client.initWithMiddleware({
  authProvider: new providers.TokenCredentialAuthenticationProvider(credential, {
    scopes: ["https://graph.microsoft.com/.default"],
  }),
  baseUrl: of("AUTHORITY"),
  // Without it the client sends no token to a host that is not Graph's.
  customHosts: new Set([new URL(of("AUTHORITY")).hostname]),
});

async function act({ changeType, resourceUrl, resourceData: news }) {
  const call = `/communications/calls/${resourceUrl.split("/")[3]}`;
  if (news["@odata.type"] !== "#microsoft.graph.call") {
    console.log("told:", news["@odata.type"], news.status);
  } else if (changeType === "created") {
    const mediaConfig = { "@odata.type": "#microsoft.graph.serviceHostedMediaConfig" };
    await graph.api(`${call}/answer`).post({ callbackUri: callback, acceptedModalities: ["audio"], mediaConfig });
  } else if (changeType === "deleted") {
    console.log("over");
    server.close();
    server.closeAllConnections();
  } else if (news.mediaState?.audio === "active") {
    await graph.api(`${call}/subscribeToTone`).post({ clientContext: "keys" });
    const mediaInfo = { "@odata.type": "#microsoft.graph.mediaInfo", uri: `${control}/prompt.wav`, resourceId: "1" };
    const prompts = [{ "@odata.type": "#microsoft.graph.mediaPrompt", mediaInfo }];
    await graph.api(`${call}/playPrompt`).post({ prompts, clientContext: "play" });
  } else if (news.toneInfo?.tone === "tone1") {
    console.log("key 1");
    await graph.api(call).delete();
  }
}

function stop(error) {
  console.error(error);
  process.exit(1);
}

const server = createServer(async (request, response) => {
  const pieces = await request.toArray();
  response.writeHead(202).end();
  for (const notification of JSON.parse(Buffer.concat(pieces)).value) {
    act(notification).catch(stop);
  }
});
server.listen(new URL(callback).port, "127.0.0.1", async () => {
  // That a token can be had is tried first: who cannot have one is called in vain.
  await credential.getToken("https://graph.microsoft.com/.default").catch(stop);
  const body = JSON.stringify({ person: "ada", presses: "1" });
  await fetch(`${control}/calls`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
});
setTimeout(() => stop("the call did not end"), 30_000).unref();

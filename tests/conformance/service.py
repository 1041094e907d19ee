"""Where the service is, a credential for it, and the SDK's client on both."""

import json
import os
import time
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from azure.core.credentials import AccessToken
from azure.identity import ClientSecretCredential
from botframework.connector.auth import AuthenticationConfiguration, ChannelValidation, SimpleCredentialProvider
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient

GRAPH, TOKENS, OPENID = (os.environ[f"CALLFLOW_{name}"] for name in ("GRAPH", "TOKENS", "OPENID"))
APP, SECRET, TENANT = (os.environ[f"CALLFLOW_{name}"] for name in ("APP", "SECRET", "TENANT"))
CALLBACK, CONTROL = os.environ["CALLFLOW_CALLBACK"], os.environ["CALLFLOW_CONTROL"]
PROMPT = f"{CONTROL}/prompt.wav"
# Where the service is reached by https; else everything goes by plain http.
AUTHORITY = os.environ.get("CALLFLOW_AUTHORITY")
PORT = int(CALLBACK.rsplit(":", 1)[1].split("/")[0])


class Credential:
    """Client credentials over plain http, which azure-identity refuses even on loopback."""

    def get_token(self, *scopes, **_):
        form = {"grant_type": "client_credentials", "scope": scopes[0], "client_id": APP, "client_secret": SECRET}
        with urlopen(TOKENS, urlencode(form).encode()) as response:
            issued = json.load(response)
        return AccessToken(issued["access_token"], int(time.time()) + issued["expires_in"])


def credential():
    """Microsoft's own where that works; it asks nobody else about the authority only if it is told so."""
    if AUTHORITY is None:
        return Credential()
    return ClientSecretCredential(TENANT, APP, SECRET, authority=AUTHORITY, disable_instance_discovery=True)


def client():
    provider = AzureIdentityAuthenticationProvider(
        credential(), scopes=["https://graph.microsoft.com/.default"], allowed_hosts=["127.0.0.1", "localhost"]
    )
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = GRAPH
    return GraphServiceClient(request_adapter=adapter)


async def authenticate(header, app=APP):
    """Whether a notification comes from the calling service, as Microsoft's own validator says; raises where not."""
    ChannelValidation.open_id_metadata_endpoint = OPENID
    await ChannelValidation.authenticate_channel_token(
        header, SimpleCredentialProvider(app, ""), "msteams", AuthenticationConfiguration()
    )


def control(path, **body):
    """Asks the test for something that a bot cannot do: that a person calls, a permission is taken away."""
    request = Request(f"{CONTROL}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request) as response:
        return json.load(response)

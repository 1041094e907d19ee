"""What signs a notification, checked by Microsoft's validator for bots: a good token is taken, each other one refused."""

import asyncio

from jwt.exceptions import ExpiredSignatureError

import service

# How that validator refuses each: an unknown key is an IndexError there.
REFUSALS = {
    "audience": PermissionError,
    "issuer": PermissionError,
    "expiry": ExpiredSignatureError,
    "key": IndexError,
}


async def refused(what, header, refusal, app=service.APP):
    try:
        await service.authenticate(header, app)
    except refusal:
        print("refused", what)
    else:
        raise SystemExit(f"a token with a wrong {what} was taken")


async def main():
    tokens = service.control("/tokens")
    await service.authenticate(tokens["good"])
    for what, refusal in REFUSALS.items():
        await refused(what, tokens[what], refusal)
    await refused("app", tokens["good"], PermissionError, app="another-app")


asyncio.run(main())

"""A bot that answers, plays a prompt, waits for key 1, and hangs up."""

import asyncio

from aiohttp import web
from msgraph.generated.communications.calls.item.answer.answer_post_request_body import AnswerPostRequestBody
from msgraph.generated.communications.calls.item.play_prompt.play_prompt_post_request_body import (
    PlayPromptPostRequestBody,
)
from msgraph.generated.communications.calls.item.subscribe_to_tone.subscribe_to_tone_post_request_body import (
    SubscribeToTonePostRequestBody,
)
from msgraph.generated.models.media_info import MediaInfo
from msgraph.generated.models.media_prompt import MediaPrompt
from msgraph.generated.models.modality import Modality
from msgraph.generated.models.service_hosted_media_config import ServiceHostedMediaConfig

import service

graph, over = service.client(), asyncio.Event()


async def act(notification):
    id, news = notification["resourceUrl"].split("/")[3], notification["resourceData"]
    call = graph.communications.calls.by_call_id(id)
    if news["@odata.type"] != "#microsoft.graph.call":
        print("told:", news["@odata.type"], news["status"])
    elif notification["changeType"] == "created":
        media, modalities = ServiceHostedMediaConfig(), [Modality.Audio]
        answer = AnswerPostRequestBody(callback_uri=service.CALLBACK, media_config=media, accepted_modalities=modalities)
        await call.answer.post(answer)
    elif notification["changeType"] == "deleted":
        print("over")
        over.set()
    elif (news.get("mediaState") or {}).get("audio") == "active":
        await call.subscribe_to_tone.post(SubscribeToTonePostRequestBody())
        prompt = MediaPrompt(media_info=MediaInfo(uri=service.PROMPT))
        await call.play_prompt.post(PlayPromptPostRequestBody(prompts=[prompt]))
    elif (news.get("toneInfo") or {}).get("tone") == "tone1":
        print("key 1")
        await call.delete()


async def notified(request):
    await service.authenticate(request.headers["Authorization"])
    for notification in (await request.json())["value"]:
        request.app["tasks"].append(asyncio.create_task(act(notification)))
    return web.Response(status=202)


async def main():
    # That a token can be had is tried first: who cannot have one is called in vain.
    service.credential().get_token("https://graph.microsoft.com/.default")
    app = web.Application()
    app["tasks"] = []
    app.router.add_post("/calls", notified)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", service.PORT).start()
    service.control("/calls", person="ada", presses="1")
    await asyncio.wait_for(over.wait(), 30)
    await asyncio.gather(*app["tasks"])
    await runner.cleanup()


asyncio.run(main())

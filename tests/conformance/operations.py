"""Each calling operation that msgraph-sdk has, with what the service answers and what it tells afterwards."""

import asyncio
import json
from importlib import import_module
from urllib.request import Request, urlopen

from aiohttp import ClientSession, web
from kiota_abstractions.api_error import APIError
from msgraph.generated.models.app_hosted_media_config import AppHostedMediaConfig
from msgraph.generated.models.audio_routing_group import AudioRoutingGroup
from msgraph.generated.models.call import Call
from msgraph.generated.models.chat_info import ChatInfo
from msgraph.generated.models.identity import Identity
from msgraph.generated.models.identity_set import IdentitySet
from msgraph.generated.models.invitation_participant_info import InvitationParticipantInfo
from msgraph.generated.models.media_info import MediaInfo
from msgraph.generated.models.media_prompt import MediaPrompt
from msgraph.generated.models.modality import Modality
from msgraph.generated.models.operation_status import OperationStatus
from msgraph.generated.models.organizer_meeting_info import OrganizerMeetingInfo
from msgraph.generated.models.participant_info import ParticipantInfo
from msgraph.generated.models.recording_status import RecordingStatus
from msgraph.generated.models.reject_reason import RejectReason
from msgraph.generated.models.routing_mode import RoutingMode
from msgraph.generated.models.screen_sharing_role import ScreenSharingRole
from msgraph.generated.models.service_hosted_media_config import ServiceHostedMediaConfig
from msgraph.generated.models.tone import Tone

import service

graph = service.client()
told, arrived = [], asyncio.Condition()


# What the service tells.


async def notified(request):
    await service.authenticate(request.headers["Authorization"])
    async with arrived:
        told.extend((await request.json())["value"])
        arrived.notify_all()
    return web.Response(status=202)


async def until(id, what, is_it):
    """Waits for a notification of a call, and takes it: each is waited for once."""

    def find():
        for notification in told:
            is_of_call = notification["resourceUrl"].split("/")[3] == id
            if is_of_call and is_it(notification, notification["resourceData"]):
                told.remove(notification)
                return notification["resourceData"]

    async with arrived:
        while (found := find()) is None:
            try:
                await asyncio.wait_for(arrived.wait(), 10)
            except asyncio.TimeoutError:
                raise SystemExit(f"{what} did not come; there are {told}")
    return found


def is_call(data):
    return isinstance(data, dict) and data["@odata.type"] == "#microsoft.graph.call"


async def state(id, change, name):
    return await until(id, f"{change}/{name}", lambda n, d: n["changeType"] == change and is_call(d) and d.get("state") == name)


async def audio(id):
    await until(id, "audio", lambda _, d: is_call(d) and (d.get("mediaState") or {}).get("audio") == "active")


async def roster(id, is_it):
    return await until(id, "a roster", lambda _, d: isinstance(d, list) and is_it(d))


async def ended(id, operation, status="completed"):
    """The end of an operation, which has its id and its type."""
    data = await until(id, "an operation's end", lambda n, d: n["resourceUrl"].endswith(f"/operations/{operation.id}"))
    assert data["status"] == status, data
    assert data["@odata.type"] == operation.odata_type, (data, operation.odata_type)
    return data


# What the bot asks for.


def body(path, **members):
    """The body of an action: the SDK has a class of its own for each."""
    name = path.rsplit(".", 1)[-1]
    module = import_module(f"msgraph.generated.communications.calls.item.{path}.{name}_post_request_body")
    return getattr(module, "".join(word.capitalize() for word in name.split("_")) + "PostRequestBody")(**members)


def identity(user):
    return IdentitySet(user=Identity(id=user))


def invitation(user, **members):
    return InvitationParticipantInfo(identity=identity(user), **members)


def prompt():
    return MediaPrompt(media_info=MediaInfo(uri=service.PROMPT))


def item(id):
    return graph.communications.calls.by_call_id(id)


async def create(*users, media=None, **members):
    placed = Call(
        callback_uri=service.CALLBACK,
        requested_modalities=[Modality.Audio],
        media_config=media or ServiceHostedMediaConfig(),
        targets=[invitation(user) for user in users],
        tenant_id=service.TENANT,
        **members,
    )
    call = await graph.communications.calls.post(placed)
    assert (call.state, call.direction) == ("establishing", "outgoing"), call
    await state(call.id, "updated", "establishing")
    return call


async def established(*users, **members):
    call = await create(*users, **members)
    await state(call.id, "updated", "established")
    await audio(call.id)
    return call


async def meeting(media=None):
    info = OrganizerMeetingInfo(organizer=identity("ada"))
    chat = ChatInfo(thread_id="19:meeting_1@thread.v2", message_id="0")
    call = await established(media=media, meeting_info=info, chat_info=chat)
    assert call.chat_info.thread_id == chat.thread_id
    users = await roster(call.id, lambda people: len(people) == 2)
    return call, next(person["id"] for person in users if "user" in person["info"]["identity"])


async def answered(person="ada", **asked):
    id = service.control("/calls", person=person, **asked)["id"]
    incoming = await state(id, "created", "incoming")
    await item(id).answer.post(answer())
    await state(id, "updated", "established")
    await audio(id)
    return id, incoming


def answer():
    modalities, media = [Modality.Audio], ServiceHostedMediaConfig()
    return body("answer", callback_uri=service.CALLBACK, media_config=media, accepted_modalities=modalities)


async def hang_up(id):
    assert await item(id).delete() is None
    await state(id, "updated", "terminating")
    end = await state(id, "deleted", "terminated")
    assert end["resultInfo"]["code"] == 200, end


async def refused(status, code, asked, *words):
    """A request that has to fail so."""
    try:
        await asked
    except APIError as error:
        got = (error.response_status_code, error.error.code)
        assert got == (status, code), (got, error.error.message)
        assert all(word in error.error.message for word in words), error.error.message
    else:
        raise SystemExit(f"{status} {code} was expected")


# The operations.


async def peer_to_peer():
    call = await established("ada")
    assert (await item(call.id).get()).state == "established"
    assert await item(call.id).keep_alive.post() is None
    assert (await item(call.id).participants.get()).value == []
    # A peer-to-peer call has none of what follows.
    await refused(400, "8523", item(call.id).mute.post(body("mute")))
    await refused(400, "8523", item(call.id).add_large_gallery_view.post(body("add_large_gallery_view")))
    await hang_up(call.id)
    for gone in (item(call.id).get(), item(call.id).keep_alive.post(), item(call.id).delete()):
        await refused(404, "8522", gone)
    declined = await create("bob")
    assert (await state(declined.id, "deleted", "terminated"))["resultInfo"]["code"] == 480


async def group():
    call = await established("ada", "cy")
    people = await roster(call.id, lambda people: len(people) == 3)
    listed = (await item(call.id).participants.get()).value
    assert {one.id for one in listed} == {one["id"] for one in people}
    assert call.my_participant_id in {one.id for one in listed}
    # It has no chat, so several are not invited at once.
    several = body("participants.invite", participants=[invitation("dee"), invitation("bob")])
    await refused(400, "8523", item(call.id).participants.invite.post(several))
    await hang_up(call.id)
    await refused(400, "BadRequest", create(*["ada"] * 6))


async def participants():
    call, ada = await meeting()
    everybody = item(call.id).participants
    one = await everybody.by_participant_id(ada).get()
    assert one.info.identity.user.id == "ada" and one.is_muted is False
    operation = await everybody.invite.post(
        body("participants.invite", participants=[invitation("cy"), invitation("dee")], client_context="both")
    )
    assert operation.odata_type == "#microsoft.graph.inviteParticipantsOperation"
    assert operation.client_context == "both", operation
    end = await ended(call.id, operation)
    assert end["clientContext"] == "both" and len(end["participants"]) == 2
    people = await roster(call.id, lambda people: len(people) == 4)
    cy = next(one["id"] for one in people if one["info"]["identity"].get("user", {}).get("id") == "cy")
    here = body("participants.invite", participants=[invitation("cy")])
    await refused(400, "BadRequest", everybody.invite.post(here))
    operation = await everybody.by_participant_id(cy).mute.post(body("participants.item.mute"))
    assert operation.status == OperationStatus.Completed
    await roster(call.id, lambda people: any(one["id"] == cy and one["isMuted"] for one in people))
    hold = everybody.by_participant_id(cy).start_hold_music
    operation = await hold.post(body("participants.item.start_hold_music", custom_prompt=prompt()))
    await ended(call.id, operation)
    other = everybody.by_participant_id(ada)
    await refused(400, "8523", other.start_hold_music.post(body("participants.item.start_hold_music")))
    stop = everybody.by_participant_id(cy).stop_hold_music
    assert (await stop.post(body("participants.item.stop_hold_music"))).status == OperationStatus.Completed
    assert await everybody.by_participant_id(cy).delete() is None
    await roster(call.id, lambda people: len(people) == 3 and all(one["id"] != cy for one in people))
    await refused(404, "NotFound", everybody.by_participant_id(cy).get())
    await hang_up(call.id)


async def escalation():
    call = await established("ada")
    operation = await item(call.id).participants.invite.post(
        body("participants.invite", participants=[invitation("cy")])
    )
    await ended(call.id, operation)
    await roster(call.id, lambda people: len(people) == 3)
    assert (await item(call.id).mute.post(body("mute"))).status == OperationStatus.Completed
    declined = await item(call.id).participants.invite.post(
        body("participants.invite", participants=[invitation("bob")])
    )
    await ended(call.id, declined, "failed")
    await hang_up(call.id)


async def meeting_actions():
    call, _ = await meeting()
    mine = lambda muted: lambda people: any(one["id"] == call.my_participant_id and one["isMuted"] is muted for one in people)
    operation = await item(call.id).mute.post(body("mute", client_context="quiet"))
    assert (operation.status, operation.client_context) == (OperationStatus.Completed, "quiet")
    await roster(call.id, mine(True))
    assert (await item(call.id).unmute.post(body("unmute"))).status == OperationStatus.Completed
    await roster(call.id, mine(False))
    operation = await item(call.id).add_large_gallery_view.post(body("add_large_gallery_view"))
    found = await item(call.id).operations.by_comms_operation_id(operation.id).get()
    assert (found.id, found.odata_type) == (operation.id, operation.odata_type)
    await ended(call.id, operation)
    assert (await item(call.id).content_sharing_sessions.get()).value == []
    await refused(400, "8523", item(call.id).update_recording_status.post(body("update_recording_status", status=RecordingStatus.Recording)))
    share = body("change_screen_sharing_role", role=ScreenSharingRole.Sharer)
    await refused(400, "8523", item(call.id).change_screen_sharing_role.post(share))
    await hang_up(call.id)
    shared, _ = await meeting(AppHostedMediaConfig(blob="<opaque>"))
    assert await item(shared.id).change_screen_sharing_role.post(share) is None
    await roster(shared.id, lambda people: any(len(one["mediaStreams"]) == 2 for one in people))
    play = body("play_prompt", prompts=[prompt()])
    await refused(400, "8523", item(shared.id).play_prompt.post(play))
    await hang_up(shared.id)


async def audio_routing_groups():
    call, ada = await meeting()
    me, groups = call.my_participant_id, item(call.id).audio_routing_groups
    group = await groups.post(AudioRoutingGroup(routing_mode=RoutingMode.OneToOne, sources=[me], receivers=[ada]))
    assert (group.routing_mode, group.sources, group.receivers) == (RoutingMode.OneToOne, [me], [ada])
    one = groups.by_audio_routing_group_id(group.id)
    assert [found.id for found in (await groups.get()).value] == [group.id]
    changed = await one.patch(AudioRoutingGroup(routing_mode=RoutingMode.Multicast, sources=[ada], receivers=[me]))
    assert changed.routing_mode == RoutingMode.Multicast
    assert (await one.get()).sources == [ada]
    wrong = AudioRoutingGroup(routing_mode=RoutingMode.OneToOne, sources=[me], receivers=[ada, me])
    await refused(400, "BadRequest", groups.post(wrong))
    assert await one.delete() is None
    await refused(404, "NotFound", one.get())
    await hang_up(call.id)


async def settling():
    id = service.control("/calls", person="ada")["id"]
    await state(id, "created", "incoming")
    await refused(400, "8523", item(id).play_prompt.post(body("play_prompt", prompts=[prompt()])))
    assert await item(id).reject.post(body("reject", reason=RejectReason.Busy)) is None
    await until(id, "the end", lambda n, d: n["changeType"] == "deleted" and "state" not in d)
    await refused(404, "8522", item(id).answer.post(answer()))
    id = service.control("/calls", person="ada")["id"]
    await state(id, "created", "incoming")
    short = body("redirect", targets=[invitation("cy")], timeout=14)
    await refused(400, "BadRequest", item(id).redirect.post(short))
    there = body("redirect", targets=[invitation("bob"), invitation("cy")], timeout=15, callback_uri=service.CALLBACK)
    assert await item(id).redirect.post(there) is None
    assert "resultInfo" not in await state(id, "deleted", "terminated")


async def transfer():
    id, incoming = await answered()
    assert incoming["source"]["identity"]["user"]["id"] == "ada"
    await item(id).transfer.post(body("transfer", transfer_target=invitation("bob")))
    await state(id, "updated", "transferring")
    back = await until(id, "the failure", lambda _, d: is_call(d) and d.get("state") == "established" and "resultInfo" in d)
    assert back["resultInfo"]["code"] == 500
    await item(id).transfer.post(body("transfer", transfer_target=invitation("cy")))
    await state(id, "updated", "transferAccepted")
    assert (await state(id, "deleted", "terminated"))["resultInfo"]["subcode"] == 7015
    # With consultation: the second call is transferred, and replaces the first.
    first, second = await established("ada"), await established("cy")
    target = invitation("ada", replaces_call_id=first.id)
    await item(second.id).transfer.post(body("transfer", transfer_target=target))
    for call in (second, first):
        await state(call.id, "deleted", "terminated")
    call, ada = await meeting()
    moved = body("transfer", transfer_target=invitation("cy"))
    await refused(400, "BadRequest", item(call.id).transfer.post(moved))
    moved.transferee = ParticipantInfo(identity=identity("ada"), participant_id=ada)
    await item(call.id).transfer.post(moved)
    await roster(call.id, lambda people: all(one["id"] != ada for one in people))


async def media():
    id, _ = await answered(presses="1", speaks=0.3)
    operation = await item(id).subscribe_to_tone.post(body("subscribe_to_tone", client_context="keys"))
    assert (operation.status, operation.client_context) == (OperationStatus.Completed, "keys")
    played = await item(id).play_prompt.post(body("play_prompt", prompts=[prompt()], client_context="play"))
    assert (played.odata_type, played.status) == ("#microsoft.graph.playPromptOperation", OperationStatus.Running)
    await until(id, "a key", lambda _, d: is_call(d) and (d.get("toneInfo") or {}).get("tone") == "tone1")
    await ended(id, played)
    sent = body("send_dtmf_tones", tones=[Tone.Tone1, Tone.Pound], delay_between_tones_ms=10)
    assert (await ended(id, await item(id).send_dtmf_tones.post(sent)))["completionReason"] == "completedSuccessfully"
    await refused(400, "BadRequest", item(id).play_prompt.post(body("play_prompt", prompts=[prompt()] * 21)))
    await refused(400, "BadRequest", item(id).record_response.post(body("record_response", max_silence_timeout_in_seconds=121)))
    await hang_up(id)


async def recording():
    id, _ = await answered(speaks=1.5)
    asked = body("record_response", prompts=[prompt()], initial_silence_timeout_in_seconds=3,
                 max_silence_timeout_in_seconds=1, max_record_duration_in_seconds=10, stop_tones=["#"], play_beep=False)
    done = await ended(id, await item(id).record_response.post(asked))
    fetch = Request(done["recordingLocation"], headers={"Authorization": f"Bearer {done['recordingAccessToken']}"})
    with urlopen(fetch) as response:
        assert response.read(4) == b"RIFF"
    # What waits and what runs is cancelled, each with an end of its own.
    # Long enough that it still runs then, on a busy machine too.
    waiting = [await item(id).play_prompt.post(body("play_prompt", prompts=[prompt()] * 20)),
               await item(id).record_response.post(asked)]
    cancelled = await item(id).cancel_media_processing.post(body("cancel_media_processing"))
    assert cancelled.status == OperationStatus.Completed
    assert (await ended(id, waiting[0]))["completionReason"] == "mediaOperationCanceled"
    assert (await ended(id, waiting[1], "failed"))["resultInfo"]["subcode"] == 8508
    await hang_up(id)


async def policy_recording():
    id, incoming = await answered(records=True)
    assert incoming["meetingInfo"]["@odata.type"] == "#microsoft.graph.tokenMeetingInfo"
    for status in (RecordingStatus.Recording, RecordingStatus.NotRecording):
        operation = await item(id).update_recording_status.post(body("update_recording_status", status=status))
        assert operation.status == OperationStatus.Completed
    await hang_up(id)


async def what_clients_send():
    """What older clients write, and a serializer that is set up wrongly; the SDK itself cannot be made to."""
    created = {
        "targets": [{"identity": {"user": {"id": "ada", "@odata.type": "microsoft.graph.identity"}}}],
        "requestedModalities": ["Audio"],
        "mediaConfig": {"@odata.type": "microsoft.graph.serviceHostedMediaConfig"},
        "callbackUri": service.CALLBACK,
    }
    status, call = await raw("", created)
    assert status == 201, call
    await audio(call["id"])
    status, _ = await raw(f"/{call['id']}/keepAlive", None)
    assert status == 200
    tones = {"tones": ["Tone1"], "delayBetweenTonesMs": 1}
    assert (await raw(f"/{call['id']}/microsoft.graph.sendDtmfTones", tones))[0] == 200
    status, error = await raw("", created | {"targets": {"$id": "1", "$values": created["targets"]}})
    assert status == 400 and "$values" in error["error"]["message"], error
    await hang_up(call["id"])


async def raw(path, members):
    """A request without the SDK: its status and its body."""
    headers = {"Authorization": f"Bearer {service.credential().get_token('https://graph.microsoft.com/.default').token}"}
    async with ClientSession(headers=headers, skip_auto_headers=["Content-Type"]) as session:
        async with session.post(f"{service.GRAPH}/communications/calls{path}", data=members and json.dumps(members)) as response:
            return response.status, await response.json() if await response.read() else None


async def permissions():
    """Each is taken away last of all: what needs it is refused, and the refusal names it."""
    call, ada = await meeting()
    one = item(call.id).participants.by_participant_id(ada)
    invite = body("participants.invite", participants=[invitation("cy")])
    needed = {
        "Calls.AccessMedia.All": lambda: item(call.id).subscribe_to_tone.post(body("subscribe_to_tone")),
        "Calls.InitiateGroupCall.All": lambda: item(call.id).participants.invite.post(invite),
        "Calls.Initiate.All": lambda: item(call.id).transfer.post(body("transfer", transfer_target=invitation("cy"))),
        "Calls.JoinGroupCall.All": lambda: one.mute.post(body("participants.item.mute")),
    }
    for permission, ask in needed.items():
        service.control("/revoke", permission=permission)
        await refused(403, "7504", ask(), permission)
    await hang_up(call.id)


async def main():
    app = web.Application()
    app.router.add_post("/calls", notified)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", service.PORT).start()
    for story in (
        peer_to_peer, group, participants, escalation, meeting_actions, audio_routing_groups, settling, transfer,
        media, recording, policy_recording, what_clients_send, permissions,
    ):
        await story()
        print("did", story.__name__)
    await runner.cleanup()


asyncio.run(main())

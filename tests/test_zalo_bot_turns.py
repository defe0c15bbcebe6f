"""What is special about turns on the Zalo bot: its plan's limits, and events without content."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from bot.plan import Plan
from tests.world import World


async def test_the_operator_hears_of_the_plan_before_it_is_used_up(world: World, caplog: Any) -> None:
    plan = Plan(world.storage, (5, 20), lambda: world.now)
    for who in ("an", "binh", "chi"):
        world.uses(who, "zalo_bot")
        await world.say(who, "xin chào")
    await plan.look()
    assert (plan.people, plan.messages, plan.problem()) == (3, 3, "")
    world.uses("dung", "zalo_bot")
    await world.say("dung", "xin chào")
    logging.getLogger("nhipcau").addHandler(caplog.handler)
    await plan.look()
    logging.getLogger("nhipcau").removeHandler(caplog.handler)
    assert plan.problem().startswith(
        "the Zalo bot's plan is nearly used up: 4 of 5 people, 4 of 20 messages this month"
    )
    assert "zalo_bot.plan" in caplog.text
    world.now += timedelta(days=31)
    await plan.look()
    assert (plan.people, plan.messages) == (4, 0), "messages are counted by the month"


# ------------------------------------------------------------------------------------- an event without content


async def test_no_limit_holds_back_who_may_be_a_child(world: World) -> None:
    """More came than anybody types, from there and from everywhere: a withheld message is taken all the same."""
    world.uses("an", "zalo_bot")
    key = world.receiver.limits.mark("zalo_bot:chat-of-an")
    while world.receiver.limits.take("address", key):
        pass
    while world.receiver.limits.take("turns", count=100):
        pass
    assert "dồn dập" in (await world.say("an", "xin chào"))[0].texts[0], "anything else is told to wait"
    assert "111" in (await world.empty("an"))[0].texts[0]
    assert [one.rule for one in world.referrals.values()] == ["content_withheld"]


async def test_in_the_middle_of_a_conversation_too_it_goes_before_ordinary_replies(world: World) -> None:
    world.uses("an", "zalo_bot")
    await world.say("an", "xin chào")
    await world.say("an", "1")
    await world.empty("an")
    replies = [row.priority for commit in world.commits for row in commit.outbox if row.kind == "say"]
    assert replies == [1, 2, 1]
    notices = [row for commit in world.commits for row in commit.outbox if row.kind == "notify_agency"]
    assert [row.due_at for row in notices] == [world.now], "and the staff hear of it now"

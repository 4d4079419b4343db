"""A client that knows nothing of Stipend but its proto: every check talks to the running server at ADDRESS.

Usage: client.py ADDRESS. Prints `ok NAME` for each check that passed, and ends with an error at the first that does not.
The server serves `examples/catalogs/website-agents.yaml`: a message is 1 credit, a started minute of a call 10.
"""

import queue
import sys
import threading
import uuid

import grpc
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from stipend.v1 import account_pb2, account_pb2_grpc, quota_pb2, quota_pb2_grpc

DEADLINE_S = 30


class Client:
    """The two services over one channel, and one fresh account."""

    def __init__(self, channel):
        self.quota = quota_pb2_grpc.QuotaServiceStub(channel)
        self.accounts = account_pb2_grpc.AccountServiceStub(channel)
        self.account = f"py-{uuid.uuid4().hex}"
        made = self.accounts.PutAccount(
            account_pb2.PutAccountRequest(
                account=account_pb2.Account(id=self.account, catalog="website-agents", plan="package")
            ),
            timeout=DEADLINE_S,
        )
        equal(made.plan, "package")
        equal(made.status, account_pb2.Account.ACTIVE)

    def reserve(self, reservation_id, *items, **more):
        return self.quota.Reserve(
            quota_pb2.ReserveRequest(account=self.account, reservation_id=reservation_id, items=items, **more),
            timeout=DEADLINE_S,
        )

    def extend(self, reservation_id, extend_id, **more):
        return self.quota.Extend(
            quota_pb2.ExtendRequest(account=self.account, reservation_id=reservation_id, extend_id=extend_id, **more),
            timeout=DEADLINE_S,
        )

    def commit(self, reservation_id, *quantities):
        return self.quota.Commit(
            quota_pb2.CommitRequest(account=self.account, reservation_id=reservation_id, quantities=quantities),
            timeout=DEADLINE_S,
        )

    def release(self, reservation_id, reason=""):
        return self.quota.Release(
            quota_pb2.ReleaseRequest(account=self.account, reservation_id=reservation_id, reason=reason),
            timeout=DEADLINE_S,
        )

    def charge(self, reservation_id, *items, **more):
        return self.quota.Charge(
            quota_pb2.ChargeRequest(account=self.account, reservation_id=reservation_id, items=items, **more),
            timeout=DEADLINE_S,
        )

    def balance(self):
        answer = self.quota.GetBalance(quota_pb2.GetBalanceRequest(account=self.account), timeout=DEADLINE_S)
        equal([balance.pool for balance in answer.balances], ["ai_credits"])
        return answer.balances[0]


def message(quantity=1, model="small-1"):
    return quota_pb2.Item(action="chat_message", quantity=quantity, dimensions={"model": model})


def call(seconds):
    return quota_pb2.Item(action="call_second", quantity=seconds)


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")


def outcome(answer, expected):
    """The message in an answer's `outcome`, which must be the one expected."""
    chosen = answer.WhichOneof("outcome")
    if chosen != expected:
        raise AssertionError(f"{chosen} is not {expected}: {answer}")
    return getattr(answer, chosen)


def failure(code, call_it):
    """The ErrorInfo of a call that must fail with a code."""
    try:
        answer = call_it()
    except grpc.RpcError as error:
        equal(error.code(), code)
        status = rpc_status.from_call(error)
        for detail in status.details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                equal(info.domain, "stipend")
                return info
        raise AssertionError(f"no ErrorInfo: {status}") from error
    raise AssertionError(f"should have failed: {answer}")


def reserve_and_commit(client):
    granted = outcome(client.reserve("r-1", message(2, "large-9"), call(90)), "granted")
    equal(granted.state, quota_pb2.Reservation.ACTIVE)
    equal([item.credits for item in granted.items], [4, 20])
    equal(granted.expire_time.ToMilliseconds() - granted.create_time.ToMilliseconds() > 0, True)
    equal((client.balance().held, client.balance().available), (24, 976))
    ended = client.commit("r-1", 1, 61)
    equal([charge.credits for charge in ended.charges], [2, 20])
    equal(ended.reservation.state, quota_pb2.Reservation.COMMITTED)
    equal(ended.late, False)
    balance = client.balance()
    equal((balance.consumed, balance.held, balance.available), (22, 0, 978))


def extend(client):
    first = outcome(client.reserve("call", call(60), ttl=duration_pb2.Duration(seconds=30)), "granted")
    longer = client.extend("call", "minute-2", quantities=[60], used=[55], ttl=duration_pb2.Duration(seconds=300))
    granted = outcome(longer, "granted")
    equal((granted.items[0].quantity, granted.items[0].credits), (120, 20))
    equal(granted.expire_time.ToMilliseconds() > first.expire_time.ToMilliseconds(), True)
    equal(client.commit("call", 100).charges[0].credits, 20)


def release(client):
    outcome(client.reserve("handed-over", message(5)), "granted")
    ended = client.release("handed-over", "handed to a person")
    equal(ended.reservation.state, quota_pb2.Reservation.RELEASED)
    balance = client.balance()
    equal((balance.consumed, balance.held, balance.available), (0, 0, 1000))


def charge(client):
    charged = outcome(client.charge("c-1", message(3)), "charged")
    equal(charged.reservation.state, quota_pb2.Reservation.COMMITTED)
    equal((charged.charges[0].credits, charged.charges[0].overage), (3, 0))
    equal(client.balance().consumed, 3)


def retry(client):
    """The same id with the same request has one effect and one answer; with another request it fails."""
    first = client.charge("once", message(3))
    equal(client.charge("once", message(3)), first)
    equal(client.balance().consumed, 3)
    info = failure(grpc.StatusCode.ALREADY_EXISTS, lambda: client.charge("once", message(4)))
    equal(info.reason, "RESERVATION_EXISTS")


def refusal(client):
    outcome(client.charge("most", call(3600), call(2340)), "charged")
    denied = outcome(client.reserve("too-much", message(11)), "denied")
    equal(denied.reason, quota_pb2.Denial.INSUFFICIENT_CREDITS)
    equal((denied.pool, denied.required, denied.available), ("ai_credits", 11, 10))
    equal(denied.reset_time.ToMilliseconds() > 0, True)
    equal(bool(denied.message), True)
    # A refusal is not remembered: the same id is decided afresh once there are credits.
    granted = client.accounts.GrantCredits(
        account_pb2.GrantCreditsRequest(account=client.account, pool="ai_credits", grant_id="order-1", amount=5),
        timeout=DEADLINE_S,
    )
    equal((granted.balance.purchased, granted.balance.available), (5, 15))
    outcome(client.reserve("too-much", message(11)), "granted")


def error_details(client):
    info = failure(grpc.StatusCode.NOT_FOUND, lambda: client.commit("nobody"))
    equal(info.reason, "RESERVATION_NOT_FOUND")
    equal(dict(info.metadata), {"account": client.account, "reservation_id": "nobody"})

    info = failure(grpc.StatusCode.INVALID_ARGUMENT, lambda: client.reserve("bad", message(-1)))
    equal((info.reason, info.metadata["field"]), ("INVALID_ARGUMENT", "items[0].quantity"))

    info = failure(grpc.StatusCode.INVALID_ARGUMENT, lambda: client.charge("bad", quota_pb2.Item(action="telepathy")))
    equal(info.reason, "UNKNOWN_ACTION")

    outcome(client.reserve("ended", message()), "granted")
    client.release("ended")
    info = failure(grpc.StatusCode.FAILED_PRECONDITION, lambda: client.commit("ended"))
    equal((info.reason, info.metadata["reservation_id"]), ("RESERVATION_RELEASED", "ended"))

    info = failure(
        grpc.StatusCode.NOT_FOUND,
        lambda: client.quota.GetBalance(quota_pb2.GetBalanceRequest(account="nobody-here"), timeout=DEADLINE_S),
    )
    equal((info.reason, info.metadata["account"]), ("ACCOUNT_NOT_FOUND", "nobody-here"))


def pipeline(client):
    """One stream: holds, then their commits, then a command that fails and one that is denied, and the stream goes on."""
    sent = queue.SimpleQueue()
    answers = client.quota.Pipeline(iter(sent.get, None), timeout=DEADLINE_S)
    received = {}

    def read(count):
        for _ in range(count):
            answer = next(answers)
            if answer.sequence in received:
                raise AssertionError(f"answered twice: {answer}")
            received[answer.sequence] = answer

    for n in range(100):
        request = quota_pb2.ReserveRequest(account=client.account, reservation_id=f"p-{n}", items=[message(2)])
        sent.put(quota_pb2.PipelineRequest(sequence=n, reserve=request))
    read(100)
    for n in range(100):
        outcome(received[n].reserve, "granted")
        request = quota_pb2.CommitRequest(account=client.account, reservation_id=f"p-{n}", quantities=[1])
        sent.put(quota_pb2.PipelineRequest(sequence=1000 + n, commit=request))
    read(100)
    equal(sum(received[1000 + n].commit.charges[0].credits for n in range(100)), 100)

    late = quota_pb2.CommitRequest(account=client.account, reservation_id="nobody")
    large = quota_pb2.ChargeRequest(account=client.account, reservation_id="large", items=[message(901)])
    sent.put(quota_pb2.PipelineRequest(sequence=2000, commit=late))
    sent.put(quota_pb2.PipelineRequest(sequence=2001, charge=large))
    sent.put(quota_pb2.PipelineRequest(sequence=2002, get_balance=quota_pb2.GetBalanceRequest(account=client.account)))
    read(3)
    error = received[2000].error
    equal((error.code, error.reason), (grpc.StatusCode.NOT_FOUND.value[0], "RESERVATION_NOT_FOUND"))
    equal(error.metadata["reservation_id"], "nobody")
    equal(outcome(received[2001].charge, "denied").required, 901)
    equal(received[2002].get_balance.balances[0].consumed, 100)
    sent.put(None)
    equal(list(answers), [])


def race(client):
    """Sixteen threads for the last ten credits: ten are charged."""
    outcome(client.charge("most", call(3600), call(2340)), "charged")
    outcomes = queue.SimpleQueue()
    start = threading.Barrier(16)

    def spend(n):
        start.wait()
        outcomes.put(client.charge(f"race-{n}", message()).WhichOneof("outcome"))

    threads = [threading.Thread(target=spend, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(sorted(outcomes.get() for _ in threads), ["charged"] * 10 + ["denied"] * 6)
    equal(client.balance().available, 0)


CHECKS = [reserve_and_commit, extend, release, charge, retry, refusal, error_details, pipeline, race]


def main():
    with grpc.insecure_channel(sys.argv[1]) as channel:
        for check in CHECKS:
            check(Client(channel))
            print("ok", check.__name__, flush=True)


if __name__ == "__main__":
    main()

"""certs/rotation.py: every row of its table, and what must never happen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from certs import Bundle, Cause, CertificateAuthority, Lifetimes
from certs.rotation import SETTLE, Announce, Serve, State, Step, Store, Stored, Wanted, steps

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("podmeta.podmeta-system.svc",)
LIFE = timedelta(days=365)


def calm(now: datetime = NOW) -> State:
    """Everything in place for a while: stored, announced, served."""
    stored = Stored.new(NOW)
    served = stored.authority.serving(NAMES, NOW)
    return State(stored, stored, stored.bundle, NOW - 2 * SETTLE, served, Wanted(NAMES), now)


def test_where_all_is_well_nothing_is_done() -> None:
    assert steps(calm()) == ()


def test_an_empty_cluster_gets_a_ca() -> None:
    (step,) = steps(State(None, None, Bundle(), None, None, Wanted(NAMES), NOW))
    assert isinstance(step, Store)
    assert step.what.bundle == step.what.authority.bundle


def test_a_deleted_secret_is_put_back_as_it_was() -> None:
    """The CA that everybody trusts already; a new one would make every certificate useless at once."""
    state = replace(calm(), stored=None)
    assert state.kept
    assert steps(state) == (Store(state.kept),)


def test_a_deleted_secret_whose_ca_is_old_is_replaced_and_the_old_one_stays_trusted() -> None:
    state = replace(calm(), stored=None, now=NOW + LIFE * 0.9)
    (step,) = steps(state)
    assert isinstance(step, Store)
    assert state.kept
    assert step.what.authority != state.kept.authority
    assert state.kept.authority.certificate in step.what.bundle


def test_a_ca_in_the_last_third_of_its_life_is_followed_by_a_new_one_beside_it() -> None:
    state = calm(NOW + LIFE * 0.7)
    (step,) = steps(state)
    assert isinstance(step, Store)
    assert state.stored
    assert step.what.bundle.certificates == (step.what.authority.certificate, state.stored.authority.certificate)


def test_an_expired_ca_is_dropped_from_the_bundle() -> None:
    old = Stored.new(NOW - LIFE * 1.1)
    assert len(Stored.new(NOW, old).bundle) == 1


@pytest.mark.parametrize("broken", [Bundle(), CertificateAuthority.issue(NOW).bundle])
def test_a_ca_bundle_that_was_cleared_or_replaced_is_written_again(broken: Bundle) -> None:
    state = replace(calm(), announced=broken)
    assert state.stored
    assert Announce(state.stored.bundle) in steps(state)


def test_nothing_is_announced_where_there_is_no_configuration() -> None:
    assert steps(replace(calm(), announced=None, since=None)) == ()


def test_a_replica_that_starts_announces_and_serves() -> None:
    stored = Stored.new(NOW)
    found = steps(State(stored, None, Bundle(), None, None, Wanted(NAMES), NOW))
    assert found == (Announce(stored.bundle), Serve(stored.authority, Cause.ABSENT))


@pytest.mark.parametrize(("after", "renewed"), [(SETTLE - timedelta(seconds=1), False), (SETTLE, True)])
def test_a_new_ca_is_used_only_when_it_has_been_announced_for_a_while(after: timedelta, renewed: bool) -> None:
    """An API server that has not read the new caBundle yet would refuse its certificate."""
    state = calm()
    assert state.stored
    following = Stored.new(NOW, state.stored)
    state = replace(state, stored=following, announced=following.bundle, since=NOW, now=NOW + after)
    expected: tuple[Step, ...] = (Serve(following.authority, Cause.ISSUER),) if renewed else ()
    assert steps(state) == expected


def test_a_new_ca_that_is_not_announced_is_announced_and_not_used() -> None:
    state = calm()
    assert state.stored
    following = Stored.new(NOW, state.stored)
    assert steps(replace(state, stored=following, since=None)) == (Announce(following.bundle),)


def test_what_nobody_trusts_any_more_is_replaced_at_once() -> None:
    """Somebody replaced the Secret by hand: the certificate is useless as it is, there is nothing to wait for."""
    state = calm()
    stranger = Stored.new(NOW)
    found = steps(replace(state, stored=stranger, announced=stranger.bundle, since=NOW))
    assert found == (Serve(stranger.authority, Cause.ISSUER),)


def test_a_certificate_is_renewed_at_two_thirds_of_its_life() -> None:
    state = calm()
    assert state.stored
    short = state.stored.authority.serving(NAMES, NOW, lifetime=timedelta(days=3))
    assert steps(replace(state, served=short, now=NOW + timedelta(days=1))) == ()
    assert steps(replace(state, served=short, now=NOW + timedelta(days=2, hours=12))) == (
        Serve(state.stored.authority, Cause.AGE),
    )


@pytest.mark.parametrize(
    ("lifetimes", "step", "count"),
    [
        (Lifetimes(), timedelta(hours=12), 5 * 365 * 2),
        (Lifetimes(timedelta(minutes=30), timedelta(minutes=10)), timedelta(seconds=20), 500),
    ],
    ids=["usual", "short"],
)
def test_a_rotation_from_end_to_end_never_serves_what_is_not_trusted(
    lifetimes: Lifetimes, step: timedelta, count: int
) -> None:
    """Half a day at a time for five years: whatever is served is vouched for by the caBundle of that moment."""
    state = State(None, None, Bundle(), None, None, Wanted(NAMES, lifetimes), NOW)
    rotations = 0
    for _ in range(count):
        for _ in range(5):
            for todo in steps(state):
                match todo:
                    case Store(what):
                        rotations += 1
                        state = replace(state, stored=what, kept=what)
                    case Announce(bundle):
                        state = replace(state, announced=bundle, since=state.now)
                    case Serve(authority):
                        served = authority.serving(NAMES, state.now, lifetime=lifetimes.serving)
                        state = replace(state, served=served)
        assert state.served
        assert state.announced
        trusted = state.announced.without_expired(state.now).certificates
        assert any(_issued_by(state.served.certificate, one) for one in trusted)
        assert state.served.certificate.not_valid_after_utc > state.now
        state = replace(state, now=state.now + step)
    assert rotations > 5


def _issued_by(certificate: object, issuer: object) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)  # type: ignore[attr-defined] # x509.Certificate
    except Exception:  # noqa: BLE001 - whatever it is, it does not vouch
        return False
    return True

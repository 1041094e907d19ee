use super::*;

fn member(id: &str, presence: Presence) -> Participant {
    Participant::new(Some(ParticipantId::parse(id)), presence)
}

fn told<const R: usize>(roster: &mut Roster<R>, all: &[Participant], extent: Extent) -> Option<Change> {
    roster.told(List::new(all), extent, Trust::Confirm)
}

fn delta(number: u64) -> Extent {
    Extent::Delta(Sequence::new(number))
}

#[test]
fn absent_is_unconfirmed_and_removed_is_left() {
    let mut roster = Roster::<4>::new();
    let all = [member("a", Presence::Present), member("b", Presence::Present)];
    let change = told(&mut roster, &all, Extent::Full).unwrap();
    assert!(change.joined.has(0) && change.joined.has(1));
    let change = told(&mut roster, &all[..1], Extent::Full).unwrap();
    assert!(change.left.is_empty() && change.other.has(1) && change.ask);
    assert_eq!(roster.at(1).unwrap().presence(), Presence::Unconfirmed);
    let change = told(&mut roster, &[member("b", Presence::Left)], delta(4)).unwrap();
    assert_eq!(told(&mut roster, &all, delta(4)), None);
    assert!(change.left.has(1));
    roster.sweep();
    assert_eq!(roster.members().count(), 1);
}

#[test]
fn whom_an_answer_lacks_left() {
    let mut roster = Roster::<4>::new();
    let all = [member("a", Presence::Present), member("b", Presence::Present)];
    told(&mut roster, &all, Extent::Full).unwrap();
    let change = roster.told(List::new(&all[..1]), Extent::Full, Trust::Snapshots).unwrap();
    assert!(change.left.has(1) && !change.ask);
}

#[test]
fn a_part_without_a_number_takes_nobody_away_and_no_place_in_the_order() {
    let mut roster = Roster::<4>::new();
    let all = [member("a", Presence::Present), member("b", Presence::Present)];
    told(&mut roster, &all[..1], Extent::Full).unwrap();
    let change = told(&mut roster, &all[1..], Extent::Part).unwrap();
    assert!(change.joined.has(1) && change.other.is_empty());
    assert!(told(&mut roster, &all, delta(0)).is_some());
}

#[test]
fn a_gap_between_deltas_asks_and_the_next_number_does_not() {
    let mut roster = Roster::<4>::new();
    for (number, expected) in
        [(6, Some(false)), (7, Some(false)), (9, Some(true)), (8, None), (10, Some(false))]
    {
        assert_eq!(told(&mut roster, &[], delta(number)).map(|change| change.ask), expected, "{number}");
    }
}

#[test]
fn i7_what_is_older_by_its_own_number_changes_nothing() {
    let mut roster = Roster::<4>::new();
    let at = |number, mute| Participant {
        mute: Some(mute),
        sequence: Some(Sequence::new(number)),
        ..member("a", Presence::Present)
    };
    told(&mut roster, &[at(7, Mute::On)], Extent::Part).unwrap();
    let change = told(&mut roster, &[at(6, Mute::Off)], Extent::Part).unwrap();
    assert!(change.is_none());
    assert_eq!(roster.at(0).unwrap().mute(), Some(Mute::On));
    let change = told(&mut roster, &[at(7, Mute::Off)], Extent::Part).unwrap();
    assert!(change.other.has(0));
}

#[test]
fn what_is_told_of_a_participant_is_kept_until_it_is_told_anew() {
    let mut roster = Roster::<2>::new();
    let told_of = Participant {
        mute: Some(Mute::On),
        hold: Some(Hold::On),
        screen: Some(ScreenSharingRole::Sharer),
        recording: Some(RecordingStatus::Recording),
        ..member("a", Presence::Present)
    };
    told(&mut roster, &[told_of], Extent::Full).unwrap();
    assert!(told(&mut roster, &[member("a", Presence::Present)], Extent::Full).unwrap().is_none());
    let kept = roster.at(0).unwrap();
    assert_eq!((kept.mute(), kept.hold()), (Some(Mute::On), Some(Hold::On)));
    assert_eq!(kept.screen(), Some(ScreenSharingRole::Sharer));
    assert_eq!(kept.recording(), Some(RecordingStatus::Recording));
}

#[test]
fn a_full_table_still_counts_three_and_says_how_many_it_could_not_name() {
    let mut roster = Roster::<1>::new();
    let all = ["a", "b", "c", "c"].map(|id| member(id, Presence::Present));
    let change = told(&mut roster, &all, Extent::Full).unwrap();
    assert_eq!((change.in_call, change.unnamed), (3, Some(2)));
    assert_eq!((roster.count(), roster.unnamed()), (3, 2));
    let change = told(&mut roster, &all, Extent::Full).unwrap();
    assert!(change.is_none() && !change.ask);
    let change = told(&mut roster, &[member("a", Presence::Left)], Extent::Part).unwrap();
    assert!(change.ask, "there is a place for one of the others now");
}

#[test]
fn regression_whose_older_news_changes_nothing_counts_all_the_same() {
    let mut roster = Roster::<4>::new();
    let at =
        |id, number| Participant { sequence: Some(Sequence::new(number)), ..member(id, Presence::Present) };
    told(&mut roster, &[at("a", 5), at("b", 5)], Extent::Part).unwrap();
    let change = told(&mut roster, &[at("a", 4), at("b", 5), at("c", 4)], Extent::Full).unwrap();
    assert_eq!(change.in_call, 3);
}

#[test]
fn participants_without_an_id_count_one_each() {
    let mut roster = Roster::<4>::new();
    let nameless = [Participant::new(None, Presence::Present); 3];
    assert_eq!(told(&mut roster, &nameless, Extent::Full).unwrap().in_call, 3);
}

#[test]
fn the_lobby_and_the_gallery_view_do_not_count() {
    let mut roster = Roster::<4>::new();
    let all =
        [member("a", Presence::Present), member("b", Presence::Lobby), member("c", Presence::GalleryView)];
    assert_eq!(told(&mut roster, &all, Extent::Full).unwrap().in_call, 1);
    let admitted = told(&mut roster, &[member("b", Presence::Present)], Extent::Part).unwrap();
    assert!(admitted.other.has(1));
    assert_eq!(admitted.in_call, 2);
}

#[test]
fn somebody_who_was_invited_is_new_when_he_joins_and_forgotten_when_he_does_not() {
    let mut roster = Roster::<4>::new();
    roster.invite(ParticipantId::parse("a"));
    roster.invite(ParticipantId::parse("b"));
    assert_eq!(roster.count(), 0);
    let change = told(&mut roster, &[member("a", Presence::Present)], Extent::Full).unwrap();
    assert!(change.joined.has(0) && change.other.is_empty() && change.left.is_empty());
    roster.forget_invited();
    roster.sweep();
    assert_eq!(roster.members().count(), 1);
}

#[test]
fn places_hold_sixty_four() {
    let mut places = Places::default();
    for place in [0, 31, 32, 63] {
        places.add(place);
    }
    assert!(places.has(0) && places.has(31) && places.has(32) && places.has(63) && !places.has(33));
    assert!(!places.has(64));
}

#[test]
fn regression_what_only_the_table_concludes_is_no_news_of_a_roster() {
    for presence in [Presence::Invited, Presence::Unconfirmed] {
        let mut roster = Roster::<2>::new();
        assert!(told(&mut roster, &[member("a", presence)], Extent::Full).unwrap().joined.has(0));
        assert_eq!(roster.at(0).unwrap().presence(), Presence::Present);
        assert!(told(&mut roster, &[member("a", presence)], Extent::Full).unwrap().is_none());
    }
}

use super::*;
use std::cell::RefCell;

use crate::error::EN_EAI_NONAME;

type Tell = Box<dyn Fn(resolve::Answer)>;

thread_local! {
    /// What was asked, and how to answer.
    static ASKED: RefCell<Vec<(Family, Tell)>> = const { RefCell::new(Vec::new()) };
}

fn ask(host: &str, port: u16, family: Family) -> Result<Lookup> {
    assert_eq!((host, port), ("host.test", 80));
    let (lookup, tell) = Lookup::answered_by_hand();
    ASKED.with_borrow_mut(|asked| asked.push((family, Box::new(tell))));
    Ok(lookup)
}

fn question(family: Family) -> Question {
    Question::with(ask, "host.test", 80, family).expect("it was asked")
}

fn asked() -> Vec<Family> {
    ASKED.with_borrow(|asked| asked.iter().map(|(family, _)| *family).collect())
}

fn tell(index: usize, answer: resolve::Answer) {
    ASKED.with_borrow(|asked| asked[index].1(answer));
}

fn addresses(hosts: &[&str]) -> Vec<IpAddress> {
    hosts.iter().map(|host| IpAddress::parse(host, 80).expect("numeric")).collect()
}

fn told(question: &mut Question, now: Instant) -> Option<Vec<IpAddress>> {
    question.advance(now).expect("no failure")
}

fn waits_for(question: &Question) -> usize {
    question.fds().into_iter().flatten().count()
}

fn failure(code: i32) -> resolve::Answer {
    Err(Error::new(code, "no"))
}

/// One that has lost its patience, and when.
fn impatient() -> (Question, Instant) {
    let (mut question, start) = (question(Family::Any), Instant::now());
    assert_eq!(told(&mut question, start), None);
    assert_eq!(question.until(), Some(start + PATIENCE));
    let late = start + PATIENCE;
    assert_eq!(told(&mut question, late - Duration::from_nanos(1)), None);
    assert_eq!((asked(), waits_for(&question)), (vec![Family::Any], 1));
    assert_eq!(told(&mut question, late), None);
    assert_eq!((asked(), waits_for(&question)), (vec![Family::Any, Family::V4], 2));
    assert_eq!(question.until(), None);
    (question, late)
}

#[test]
fn a_quick_answer_is_all() {
    let (mut question, start) = (question(Family::Any), Instant::now());
    tell(0, Ok(addresses(&["::1", "127.0.0.1"])));
    assert_eq!(told(&mut question, start), Some(addresses(&["::1", "127.0.0.1"])));
    assert!(question.is_over());
    assert_eq!(told(&mut question, start + PATIENCE * 2), None);
    assert_eq!((asked(), waits_for(&question), question.until()), (vec![Family::Any], 0, None));
}

#[test]
fn a_failure_is_told_at_once() {
    let mut question = question(Family::Any);
    tell(0, failure(EN_EAI_NONAME));
    assert_eq!(question.advance(Instant::now()).expect_err("no name").code(), EN_EAI_NONAME);
    assert!(question.is_over());
}

#[test]
fn one_family_is_asked_for_once() {
    for family in [Family::V4, Family::V6] {
        ASKED.take();
        let (mut question, start) = (question(family), Instant::now());
        assert_eq!(told(&mut question, start), None);
        assert_eq!(question.until(), None);
        assert_eq!(told(&mut question, start + PATIENCE * 2), None);
        assert_eq!(asked(), [family]);
    }
}

#[test]
fn ipv4_alone_comes_first_when_all_take_long() {
    let (mut question, late) = impatient();
    tell(1, Ok(addresses(&["127.0.0.1"])));
    assert_eq!(told(&mut question, late), Some(addresses(&["127.0.0.1"])));
    assert!(!question.is_over());
    assert_eq!(told(&mut question, late), None);
    assert_eq!(waits_for(&question), 1);
    tell(0, Ok(addresses(&["::1", "127.0.0.1"])));
    assert_eq!(told(&mut question, late), Some(addresses(&["::1", "127.0.0.1"])));
    assert!(question.is_over());
}

#[test]
fn all_are_as_good_as_ipv4_alone() {
    let (mut question, late) = impatient();
    tell(0, Ok(addresses(&["::1"])));
    tell(1, Ok(addresses(&["127.0.0.1"])));
    assert_eq!(told(&mut question, late), Some(addresses(&["::1"])));
    assert!(question.is_over());
    assert_eq!((told(&mut question, late), waits_for(&question)), (None, 0));
}

#[test]
fn that_there_is_no_ipv4_decides_nothing() {
    let (mut question, late) = impatient();
    tell(1, failure(EN_EAI_NONAME));
    assert_eq!(told(&mut question, late), None);
    assert!(!question.is_over());
    tell(0, failure(EN_EAI_AGAIN));
    assert_eq!(question.advance(late).expect_err("the other says why").code(), EN_EAI_AGAIN);
}

#[test]
fn ipv4_alone_may_come_when_all_took_too_long() {
    let (mut question, late) = impatient();
    tell(0, failure(EN_EAI_AGAIN));
    assert_eq!(told(&mut question, late), None);
    assert_eq!((question.is_over(), waits_for(&question)), (false, 1));
    tell(1, Ok(addresses(&["127.0.0.1"])));
    assert_eq!(told(&mut question, late), Some(addresses(&["127.0.0.1"])));
    assert!(question.is_over());
}

#[test]
fn that_all_took_too_long_is_told_when_ipv4_alone_is_not_there_either() {
    let (mut question, late) = impatient();
    tell(0, failure(EN_EAI_AGAIN));
    assert_eq!(told(&mut question, late), None);
    tell(1, failure(EN_EAI_NONAME));
    assert_eq!(question.advance(late).expect_err("the first says why").code(), EN_EAI_AGAIN);
    assert!(question.is_over());
}

#[test]
fn a_failure_that_decides_is_told_at_once() {
    let (mut question, late) = impatient();
    tell(0, failure(EN_EAI_NONAME));
    assert_eq!(question.advance(late).expect_err("no name").code(), EN_EAI_NONAME);
    assert!(question.is_over());
}

//! How many allocations a telephone's description takes: few, and as many however often they are counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use tipring_sdp::{LocalMedia, OfferAnswer, Session};

/// Counts what a thread allocates.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches only a thread-local cell without a
// destructor, which allocates nothing.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps GlobalAlloc's contract, which is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What `work` gives, and how often it allocated.
fn allocations<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = COUNT.get();
    let done = work();
    (done, COUNT.get() - before)
}

/// Of a telephone with four codecs.
const PHONE: &str = include_str!("../../../benches/messages/telephone.sdp");

fn read(text: &str) -> (Session, u64) {
    allocations(|| Session::parse(text.as_bytes()).expect("a description"))
}

fn us() -> LocalMedia {
    LocalMedia::new([192, 0, 2, 1].into(), 30_000)
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| vec![1u8]).1, 1);
}

#[test]
fn a_description_is_read_into_its_lists_of_media_and_payload_types() {
    assert_eq!(read(PHONE).1, 2);
    // A text that does not fit in its place takes one more.
    let wordy = PHONE.replace("a=fmtp:18 annexb=no", "a=fmtp:18 annexb=no;and=more;and=more");
    assert_eq!(read(&wordy).1, 3);
}

#[test]
fn a_description_is_printed_into_one_body() {
    let (session, _) = read(PHONE);
    let (body, count) = allocations(|| session.to_body());
    assert_eq!((String::from_utf8(body).as_deref(), count), (Ok(PHONE), 1));
}

#[test]
fn an_answer_is_made_in_place() {
    let ((offer, _), local, mut dialog) = (read(PHONE), us(), OfferAnswer::new(1));
    let (agreed, count) = allocations(|| dialog.answer(&local, &offer).is_ok());
    // Its media, its payload types, and which payload type means what in this dialog.
    assert_eq!((agreed, count), (true, 3));
    // What the dialog knows is not learnt again.
    assert_eq!(allocations(|| dialog.answer(&local, &offer).is_ok()), (true, 2));
}

#[test]
fn an_answer_to_our_offer_is_taken_without_an_allocation() {
    let (local, mut ours, mut theirs) = (us(), OfferAnswer::new(1), OfferAnswer::new(2));
    let (answer, _) = theirs.answer(&local, ours.offer(&local)).expect("we understand ourselves");
    let (agreed, count) = allocations(|| ours.accept_answer(answer).is_ok());
    assert_eq!((agreed, count), (true, 0));
}

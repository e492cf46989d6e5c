//! A program in Rust for the tests of the symbol reader: what Rust's types and names look like in DWARF. It needs no crate, not
//! even `core`, of which it declares the few parts that the compiler asks for.
#![feature(no_core, lang_items, intrinsics, rustc_attrs, arbitrary_self_types, auto_traits)]
#![no_core]
#![no_main]
#![allow(internal_features, dead_code, unused_variables, static_mut_refs)]

#[lang = "pointee_sized"]
pub trait PointeeSized {}
#[lang = "meta_sized"]
pub trait MetaSized: PointeeSized {}
#[lang = "sized"]
pub trait Sized: MetaSized {}
#[lang = "copy"]
pub trait Copy {}
impl Copy for u8 {}
impl Copy for u32 {}
impl Copy for i32 {}
impl Copy for u64 {}
impl Copy for usize {}
impl Copy for bool {}
impl Copy for char {}
impl<'a, T: PointeeSized> Copy for &'a T {}
#[lang = "unsize"]
pub trait Unsize<T: PointeeSized>: PointeeSized {}
#[lang = "coerce_unsized"]
pub trait CoerceUnsized<T> {}
impl<'a, 'b: 'a, T: PointeeSized + Unsize<U>, U: PointeeSized> CoerceUnsized<&'a U> for &'b T {}
#[lang = "drop_glue"]
fn drop_glue<T: PointeeSized>(_: &mut T) {}
#[lang = "freeze"]
unsafe auto trait Freeze {}
#[lang = "sync"]
pub unsafe auto trait Sync {}

pub enum Option<T> {
    None,
    Some(T),
}

pub enum Result<T, E> {
    Ok(T),
    Err(E),
}

pub mod process {
    use super::Option;

    #[repr(u8)]
    pub enum State {
        Unused,
        Sleeping,
        Running = 7,
    }

    pub enum Event {
        Idle,
        Key(u8),
        Move { x: i32, y: i32 },
        Wide(u64, u32),
    }

    pub struct Pair(pub u32, pub u64);

    pub struct Process {
        pub pid: u32,
        pub state: State,
        pub name: &'static str,
        pub parent: Option<&'static Process>,
        pub last: Event,
        pub limits: [u64; 3],
        pub pair: Pair,
        pub alive: bool,
        pub letter: char,
    }

    impl Process {
        #[inline(never)]
        pub fn rename(&mut self, name: &'static str) -> u32 {
            self.name = name;
            let pid = self.pid;
            super::stop(pid);
            pid
        }
    }

    pub static INIT: Process = Process {
        pid: 1,
        state: State::Sleeping,
        name: "init",
        parent: Option::None,
        last: Event::Move { x: 0xffff_fffd_u32 as i32, y: 4 },
        limits: [10, 20, 30],
        pair: Pair(5, 6),
        alive: true,
        letter: 'R',
    };

    pub static mut CURRENT: Process = Process {
        pid: 2,
        state: State::Running,
        name: "sh",
        parent: Option::Some(&INIT),
        last: Event::Wide(0x1_0000_0001, 77),
        limits: [1, 2, 3],
        pair: Pair(7, 8),
        alive: false,
        letter: 'é',
    };
}

use process::Event;

static NUMBERS: [u32; 4] = [3, 1, 4, 1];

#[inline(never)]
#[no_mangle]
pub extern "C" fn stop(_number: u32) {}

#[inline(never)]
fn first(numbers: &[u32], event: Event, found: Option<u32>, outcome: Result<u8, u64>) -> u32 {
    let idle = Event::Idle;
    let key = Event::Key(65);
    let text = "caf\u{e9}";
    let nothing: Option<&u32> = Option::None;
    stop(1);
    match event {
        Event::Move { x: _, y: _ } => 1,
        _ => 2,
    }
}

#[no_mangle]
pub extern "C" fn main() -> u32 {
    first(&NUMBERS, Event::Move { x: 8, y: 0xffff_fff7_u32 as i32 }, Option::Some(42), Result::Err(99));
    unsafe { process::CURRENT.rename("renamed") }
}

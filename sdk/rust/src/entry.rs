use crate::abi::Level;
use crate::host;
use crate::rule::Verdict;

/// How an entry point other than a rule's decision ended. An error is made by [`fail`] only.
pub type Outcome = Result<(), Failed>;

/// That [`fail`] was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed(());

/// Says why the call has no answer, so that an entry point can end with it:
///
/// ```
/// # use pointsman::*;
/// fn request() -> Outcome {
///     Err(fail(400, "the model takes no audio"))
/// }
/// ```
///
/// `code` is an HTTP status or 0. `message` is shown to the caller and must hold nothing
/// secret; the host cuts it at [`MAX_MESSAGE`](crate::abi::MAX_MESSAGE) bytes.
pub fn fail(code: i32, message: &str) -> Failed {
    host::fail(code, message);
    Failed(())
}

/// Writes one line to the plugin's log; see [`MAX_LOG_LINE`](crate::abi::MAX_LOG_LINE). Never
/// log what a user wrote.
pub fn log(level: Level, line: &str) {
    host::log(level as i32, line)
}

/// The time of the request in milliseconds since 1970 UTC. It is the same in every call of
/// one request, so that a decision can be replayed.
pub fn now_ms() -> i64 {
    host::now_ms()
}

/// The next number of a sequence seeded by the request, the attempt and the plugin: the same
/// request gets the same numbers. All 64 bits are used, the sign included. Not for secrets.
pub fn random() -> i64 {
    host::random()
}

/// Registers a check of [`config`](crate::config), `fn() -> Outcome`, made when a rule or
/// provider that carries it is saved. Optional; nothing that it stores may be relied on later.
#[macro_export]
macro_rules! configure {
    ($check:path) => {
        #[doc(hidden)]
        #[no_mangle]
        pub extern "C" fn pm_configure_v1() -> i32 {
            $crate::answer_of($check)
        }
    };
}

/// What [`rule!`](crate::rule) makes of a decision.
#[doc(hidden)]
pub fn verdict_of(decide: fn() -> Verdict) -> i32 {
    #[cfg(all(target_arch = "wasm32", feature = "std"))]
    panics::log_them();
    decide() as i32
}

/// What the other macros make of an outcome.
#[doc(hidden)]
pub fn answer_of(run: fn() -> Outcome) -> i32 {
    #[cfg(all(target_arch = "wasm32", feature = "std"))]
    panics::log_them();
    match run() {
        Ok(()) => 0,
        Err(Failed(())) => -1,
    }
}

#[cfg(all(target_arch = "wasm32", feature = "std"))]
mod panics {
    use core::sync::atomic::{AtomicBool, Ordering};
    use std::boxed::Box;
    use std::string::ToString;

    static LOGGED: AtomicBool = AtomicBool::new(false);

    /// Has a panic logged before it traps; once in an instance.
    pub fn log_them() {
        if !LOGGED.swap(true, Ordering::Relaxed) {
            std::panic::set_hook(Box::new(|info| crate::log(crate::Level::Error, &info.to_string())));
        }
    }
}

#[cfg(all(target_arch = "wasm32", not(feature = "std")))]
mod panics {
    use core::fmt::{self, Write};

    /// A line of a log, cut at its end.
    struct Line {
        text: [u8; 256],
        size: usize,
    }

    impl Write for Line {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for c in text.chars() {
                if self.size + c.len_utf8() > self.text.len() {
                    return Err(fmt::Error);
                }
                self.size += c.encode_utf8(&mut self.text[self.size..]).len();
            }
            Ok(())
        }
    }

    #[panic_handler]
    fn panic(info: &core::panic::PanicInfo) -> ! {
        let mut line = Line { text: [0; 256], size: 0 };
        let _ = write!(line, "{}", info);
        if let Ok(text) = core::str::from_utf8(&line.text[..line.size]) {
            crate::log(crate::Level::Error, text);
        }
        core::arch::wasm32::unreachable()
    }
}

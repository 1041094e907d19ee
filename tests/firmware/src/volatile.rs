//! Memory whose contents the compiler has to take as they come.

use core::cell::UnsafeCell;
use core::hint::black_box;
use core::mem::MaybeUninit;

/// A value that is read anew each time. In truth it never changes; a debugger or a DMA could change it, and the compiler
/// must think so: every value of `T` is possible.
pub(crate) struct Volatile<T>(UnsafeCell<T>);

// SAFETY: the value is only read, and the images have no second thread.
unsafe impl<T: Copy> Sync for Volatile<T> {}

impl<T: Copy> Volatile<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn read(&self) -> T {
        // SAFETY: the pointer is that of an initialised `T`, and nothing ever writes through it.
        unsafe { black_box(self.0.get()).read_volatile() }
    }
}

/// A place that one image takes for itself, once.
pub(crate) struct Place<T>(UnsafeCell<MaybeUninit<T>>);

// SAFETY: the images have no second thread.
unsafe impl<T> Sync for Place<T> {}

impl<T> Place<T> {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// The place, to be written first.
    ///
    /// # Safety
    /// It is taken once.
    #[allow(clippy::mut_from_ref)] // as the safety says
    pub(crate) unsafe fn take(&'static self) -> &'static mut MaybeUninit<T> {
        // SAFETY: the caller takes it once, so this is the only reference.
        unsafe { &mut *black_box(self.0.get()) }
    }
}

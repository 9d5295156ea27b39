"""
The one door to the file system: file steps that survive a power cut.

Implementation notes

- All calls block, and are made in pool threads.  They raise ``OSError`` as the
  system does; ``as_mail_error`` turns that into mail's words.
- A descriptor stays open from the write to the sync: an error of writing back
  is told to the descriptors that were open then, and told once.
- A failed sync is never tried again (see ``disksync``).
- A file has no name until it is linked (O_TMPFILE), or a temporary one in the
  same folder where the file system cannot do that.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from itertools import count
from threading import Lock, RLock
from types import TracebackType

from mailsuite.disksteps import (
    Committed,
    Created,
    Cut,
    FileSynced,
    FolderMade,
    FolderRemoved,
    FolderSynced,
    HardLinked,
    Linked,
    Opened,
    Renamed,
    Step,
    Timed,
    Unlinked,
    Written,
)
from mailsuite.disksync import FileSystem, Wanted, start_write_back
from mailsuite.errors import MailError, StoreFull, StoreUnavailable

FILE_MODE = 0o600
FOLDER_MODE = 0o700

#: How every file is opened: writes go to its end.
_OPEN = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC

#: Of <linux/fs.h>: to get and set a folder's flags, and ext4's for the top of
#: a hierarchy.
_GET_FLAGS = 0x80086601
_SET_FLAGS = 0x40086602
_TOP = 0x00020000

#: What open says where O_TMPFILE is not possible.
_NO_TMPFILE = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL})


def as_mail_error(error: OSError) -> MailError:
    """
    What a failure of the file system means to somebody with mail.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull()
    return StoreUnavailable()


def write_hint(descriptor: int, octets: bytes) -> None:
    """
    Overwrite the first octets of a lock file.

    It is a word between living processes: nothing of it need survive, so no
    recorder is told.
    """
    os.pwrite(descriptor, octets, 0)


class File:
    """
    A file that is open for writing at its end.

    Used by one thread at a time.  A context manager that closes it.

    :ivar descriptor: may be read from with ``os.pread``.
    :ivar device: of its file system.
    :ivar size: octets it has.
    """

    def __init__(
        self,
        disk: Disk,
        number: int,
        descriptor: int,
        *,
        path: str | None = None,
        temporary: bool = False,
    ) -> None:
        status = os.fstat(descriptor)
        self.number = number
        self.descriptor = descriptor
        self.device = status.st_dev
        self.size = status.st_size
        self._disk = disk
        self._path = path
        self._temporary = temporary
        self._open = True

    def __enter__(self) -> File:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, octets: bytes) -> None:
        """
        Add octets at the end: all of them, or none.

        :raises OSError: the file is as long as it was before.
        """
        view = memoryview(octets)
        written = 0
        with self._disk.in_order():
            try:
                while written < len(view):
                    written += os.write(self.descriptor, view[written:])
            except OSError:
                if written:
                    os.ftruncate(self.descriptor, self.size)
                raise
            self._disk.record(Written(self.number, bytes(octets)))
        self.size += written

    def begin_write_back(self) -> None:
        """
        Have the system write out what was written so far, and do not wait:
        the sync to come finds little left to do.
        """
        start_write_back(self.descriptor)

    def cut(self, size: int) -> None:
        """
        Drop what comes after ``size`` octets.
        """
        with self._disk.in_order():
            os.ftruncate(self.descriptor, size)
            self._disk.record(Cut(self.number, size))
        self.size = size

    def set_time(self, seconds: float) -> None:
        """
        Set the modification time, seconds since 1970; after the last write.
        """
        time = int(seconds * 1_000_000_000)
        with self._disk.in_order():
            os.utime(self.descriptor, ns=(time, time))
            self._disk.record(Timed(self.number, time))

    def close(self) -> None:
        """
        Done; a file without a name is gone.  May be called more than once.
        """
        if not self._open:
            return
        self._open = False
        os.close(self.descriptor)
        if self._temporary and self._path is not None:
            self._disk.unlink(self._path)

    def link(self, path: str, root: int) -> None:
        """
        As ``Disk.link``, which see.

        :param root: the descriptor of any folder.
        """
        if self._path is not None:
            os.link(self._path, path)
            return
        # os.link follows the link in /proc only if it is given a folder.
        name = f"/proc/self/fd/{self.descriptor}"
        os.link(name, path, src_dir_fd=root)


class Disk:
    """
    Durable file steps.

    :param recorder: told of each step once it is made, in the order in which
        they were made.
    """

    def __init__(self, recorder: Callable[[Step], None] | None = None) -> None:
        self._recorder = recorder
        self._order: AbstractContextManager[object] = (
            RLock() if recorder is not None else nullcontext()
        )
        self._numbers = count(1)
        self._file_systems: dict[int, FileSystem] = {}
        self._opening = Lock()
        self._root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._nameless = os.path.isdir("/proc/self/fd")

    def close(self) -> None:
        """
        Let go of the file systems.  No other call may follow.
        """
        os.close(self._root)
        for file_system in self._file_systems.values():
            os.close(file_system.descriptor)
        self._file_systems.clear()

    # Recording

    def in_order(self) -> AbstractContextManager[object]:
        """
        What a step and its record are made in, so that no other step comes
        between the two.
        """
        return self._order

    def record(self, step: Step) -> None:
        """
        Tell the recorder of a step that was made.
        """
        if self._recorder is not None:
            self._recorder(step)

    def committed(self, path: str) -> None:
        """
        Tell the recorder that the database at ``path`` was committed.
        """
        self.record(Committed(path))

    # Files

    def create(self, folder: str, mode: int = FILE_MODE) -> File:
        """
        A new, empty file on the file system of ``folder``, to be linked.

        What was not linked when it is closed leaves nothing behind.
        """
        with self.in_order():
            if self._nameless:
                try:
                    descriptor = os.open(folder, _OPEN | os.O_TMPFILE, mode)
                except OSError as error:
                    if error.errno not in _NO_TMPFILE:
                        raise
                else:
                    file = self._opened(descriptor, folder, temporary=True)
                    self.record(Created(file.number, None, mode))
                    return file
            path = os.path.join(folder, _unique("new"))
            descriptor = os.open(path, _OPEN | os.O_CREAT | os.O_EXCL, mode)
            file = self._opened(descriptor, folder, path, temporary=True)
            self.record(Created(file.number, path, mode))
        return file

    def create_named(self, path: str, mode: int = FILE_MODE) -> File:
        """
        A new, empty file that has its name at once.

        :raises FileExistsError: the name is taken.
        """
        with self.in_order():
            descriptor = os.open(path, _OPEN | os.O_CREAT | os.O_EXCL, mode)
            file = self._opened(descriptor, os.path.dirname(path), path)
            self.record(Created(file.number, path, mode))
        return file

    def open(self, path: str) -> File:
        """
        A file that is there, to be written to at its end.

        :raises FileNotFoundError: it is not there.
        """
        with self.in_order():
            descriptor = os.open(path, _OPEN)
            file = self._opened(descriptor, os.path.dirname(path), path)
            self.record(Opened(file.number, path))
        return file

    def _opened(
        self,
        descriptor: int,
        folder: str,
        path: str | None = None,
        *,
        temporary: bool = False,
    ) -> File:
        """
        The open file as an object; before anything is written to it, its
        file system is known.
        """
        number = next(self._numbers)
        file = File(self, number, descriptor, path=path, temporary=temporary)
        try:
            self._file_system(file.device, folder)
        except OSError:
            file.close()
            raise
        return file

    def append(self, path: str, octets: bytes) -> None:
        """
        Add octets to the end of a file that is there; durable on return.

        :raises OSError: the write failed and the file is as before; or the
            sync failed, and the file must be written anew by ``replace``.
        """
        with self.open(path) as file:
            file.write(octets)
            self.sync(files=[file], data_only=True)

    def truncate(self, path: str, size: int) -> None:
        """
        Drop what a file has after ``size`` octets; durable on return.
        """
        with self.open(path) as file:
            file.cut(size)
            self.sync(files=[file], data_only=True)

    def replace(self, path: str, octets: bytes, mode: int = FILE_MODE) -> None:
        """
        Make ``octets`` the content of a file, whether it is there or not.

        Durable on return.  A crash leaves the old content or the new one.
        """
        temporary = f"{path}.{_unique('tmp')}"
        with self.create_named(temporary, mode) as file:
            try:
                file.write(octets)
                self.sync(files=[file])
                self.rename(temporary, path)
            except OSError:
                with suppress(OSError):
                    self.unlink(temporary)
                raise
        self.sync(folders=[os.path.dirname(path)])

    # Names

    def link(self, file: File, path: str) -> None:
        """
        Give a file from ``create`` a name, or one more.

        :raises FileExistsError: the name is taken.
        """
        with self.in_order():
            file.link(path, self._root)
            self.record(Linked(file.number, path))

    def hard_link(self, source: str, path: str) -> None:
        """
        Give a file that has a name one more.

        :raises FileExistsError: the name is taken.
        """
        with self.in_order():
            os.link(source, path)
            self.record(HardLinked(source, path))

    def rename(self, old: str, new: str) -> None:
        """
        Give a file or folder another name, in place of what had that name.
        """
        with self.in_order():
            os.rename(old, new)
            self.record(Renamed(old, new))

    def unlink(self, path: str) -> None:
        """
        Take a name away from its file.
        """
        with self.in_order():
            os.unlink(path)
            self.record(Unlinked(path))

    def make_folder(self, path: str, mode: int = FOLDER_MODE) -> None:
        """
        Make an empty folder.

        :raises FileExistsError: the name is taken.
        """
        with self.in_order():
            os.mkdir(path, mode)
            self.record(FolderMade(path, mode))

    def make_folders(self, path: str, mode: int = FOLDER_MODE) -> bool:
        """
        Make a folder and what is missing above it; durable on return.

        :return: whether anything was missing.
        """
        missing: list[str] = []
        while not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path)
        for folder in reversed(missing):
            with suppress(FileExistsError):
                self.make_folder(folder, mode)
        self.sync(folders=[os.path.dirname(folder) for folder in missing])
        return bool(missing)

    def spread(self, path: str) -> None:
        """
        Ask the file system to lay the folders that are made in this one far
        from each other.

        ext4 does not use the inode of a removed file for minutes, and passes
        over all such of a neighbourhood for each new file (its
        ``recently_deleted``): where thousands come and go, that takes longer
        than all the rest.  Other file systems have no such flag.
        """
        descriptor = _open_folder(path)
        try:
            octets = fcntl.ioctl(descriptor, _GET_FLAGS, bytes(8))
            flags = int.from_bytes(octets, sys.byteorder) | _TOP
            new = flags.to_bytes(8, sys.byteorder)
            fcntl.ioctl(descriptor, _SET_FLAGS, new)
        except OSError:
            # It lies where it lies.
            return
        finally:
            os.close(descriptor)

    def remove_folder(self, path: str) -> None:
        """
        Remove an empty folder.
        """
        with self.in_order():
            os.rmdir(path)
            self.record(FolderRemoved(path))

    # Durability

    def sync(
        self,
        files: Iterable[File] = (),
        folders: Iterable[str] = (),
        *,
        data_only: bool = False,
    ) -> None:
        """
        On return the content of ``files`` and the names in ``folders``
        survive a power cut.

        Many threads may call this at once; their syncs are then made
        together.

        :param data_only: the files' times need not survive.
        :raises OSError: nothing is known of any of them.
        """
        files = list(files)
        folders = list(dict.fromkeys(folders))
        with self.in_order():
            with ExitStack() as opened:
                wanted = [(f.device, f.descriptor, data_only) for f in files]
                for path in folders:
                    descriptor = _open_folder(path)
                    opened.callback(os.close, descriptor)
                    device = os.fstat(descriptor).st_dev
                    self._file_system(device, path)
                    wanted.append((device, descriptor, False))
                self._make_durable(wanted)
            for file in files:
                self.record(FileSynced(file.number))
            for path in folders:
                self.record(FolderSynced(path))

    def _make_durable(self, wanted: list[tuple[int, int, bool]]) -> None:
        """
        Sync descriptors, each given with its device.
        """
        by_device: dict[int, list[Wanted]] = {}
        for device, descriptor, data_only in wanted:
            by_device.setdefault(device, []).append(
                Wanted(descriptor, data_only)
            )
        for device, its in by_device.items():
            self._file_systems[device].sync(its)

    def _file_system(self, device: int, folder: str) -> FileSystem:
        """
        The file system with this number; ``folder`` is on it.
        """
        known = self._file_systems.get(device)
        if known is not None:
            return known
        with self._opening:
            if device not in self._file_systems:
                self._file_systems[device] = FileSystem(folder)
            return self._file_systems[device]


def _open_folder(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _unique(kind: str) -> str:
    """
    A name that nobody else makes.
    """
    return f"{os.getpid()}-{secrets.token_hex(8)}.{kind}"

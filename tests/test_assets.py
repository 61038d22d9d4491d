"""Files from outside: found where they lie, downloaded whole or not at all, never used when altered."""

import hashlib
import os
import re
import runpy
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from torchvision.models import SqueezeNet1_1_Weights

from data import __main__ as command_line
from data import assets
from data.assets import Asset, AssetUnavailable, find, keep, obtain
from data.model import SHIPPED_WEIGHTS

COURSE = Path(__file__).parents[2] / "shared"
BODY = bytes(range(256)) * 64
NAME = "picture.bin"


@pytest.fixture(autouse=True)
def empty_machine(monkeypatch, tmp_path):
    """Nothing downloaded, nothing set, and the network reaches as far as this machine."""
    monkeypatch.setenv("KIT_OFFLINE", "")  # set, then deleted: what `status` puts there is taken back too
    monkeypatch.delenv("KIT_OFFLINE")
    for name in ("KIT_ASSETS", "KIT_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(assets, "DOWNLOADS", tmp_path / "downloads")
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # pooch waits between attempts
    monkeypatch.chdir(tmp_path)


class Server(ThreadingHTTPServer):
    """Answers with `answers` in turn, the last one again and again; counts the requests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests = [whole], 0
        self.url = f"http://127.0.0.1:{self.server_port}/{NAME}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        self.server.answers[min(self.server.requests, len(self.server.answers)) - 1](self)

    def send(self, body, length=None, code=200):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def whole(request):
    request.send(BODY)


def altered(request):
    request.send(BODY[:-1] + b"?")


def truncated(request):
    request.send(BODY[:1000], length=len(BODY))


def cut_without_length(request):
    request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + BODY[:1000])


def not_found(request):
    request.send(b"no such file", code=404)


def broken(request):
    request.send(b"try again", code=503)


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asset_at(url, name=NAME, kept="kit"):
    return Asset(name, hashlib.sha256(BODY).hexdigest(), len(BODY), kept, "CC0", "nobody", url)


@pytest.fixture
def asset(server):
    return asset_at(server.url)


def everything_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def put(path, content=BODY):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# --- downloads


@pytest.mark.parametrize("kept", ["kit", "torch"])
def test_a_download_is_kept_and_serves_from_then_on(server, tmp_path, kept):
    asset = asset_at(server.url, kept=kept)
    path = obtain(asset)
    assert path == asset.home
    assert path.read_bytes() == BODY
    assert everything_below(tmp_path) == [str(path.relative_to(tmp_path))]
    server.answers = [broken]
    assert obtain(asset) == path
    assert server.requests == 1


def test_homes_are_the_downloads_folder_and_torchvisions_cache(tmp_path):
    assert asset_at(None).home == tmp_path / "downloads" / NAME
    assert asset_at(None, kept="torch").home == tmp_path / "torch" / "hub" / "checkpoints" / NAME


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (altered, "whose SHA-256 is not"),
        (truncated, "no answer|SHA-256"),
        (cut_without_length, "SHA-256"),
        (not_found, "no answer .*HTTPError"),
    ],
)
def test_a_truncated_altered_or_missing_download_is_never_kept(server, asset, tmp_path, answer, reason):
    server.answers = [answer]
    with pytest.raises(AssetUnavailable, match=f"{NAME} could not be downloaded: .*({reason})") as error:
        obtain(asset)
    assert server.url in str(error.value)
    assert everything_below(tmp_path) == [], "nothing may stay behind, under whatever name"


@pytest.mark.parametrize("hiccup", [broken, truncated, altered])
def test_a_server_that_fails_once_gets_a_second_chance(server, asset, hiccup):
    server.answers = [hiccup, whole]
    assert obtain(asset, retries=1).read_bytes() == BODY
    assert server.requests == 2


def test_without_retries_one_failure_is_final(server, asset):
    server.answers = [broken, whole]
    with pytest.raises(AssetUnavailable):
        obtain(asset)
    assert server.requests == 1


def test_a_closed_port_is_reported_with_its_address():
    with Server() as server:
        url = server.url
    with pytest.raises(AssetUnavailable, match=f"no answer from {re.escape(url)} .*check the network"):
        obtain(asset_at(url))


def test_a_server_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(assets, "READ_SECONDS", 0.3)
    start = time.monotonic()
    with Server() as silent, pytest.raises(AssetUnavailable, match=r"no answer from .*ReadTimeout"):
        obtain(asset_at(silent.url))  # its port is open, but nobody serves
    assert time.monotonic() - start < 2


def test_kit_offline_never_connects(server, asset, monkeypatch):
    monkeypatch.setenv("KIT_OFFLINE", "1")
    with pytest.raises(AssetUnavailable, match=f"{NAME} is not on this machine and KIT_OFFLINE is set"):
        obtain(asset)
    assert server.requests == 0


def test_kit_offline_still_uses_what_is_on_this_machine(asset, monkeypatch):
    monkeypatch.setenv("KIT_OFFLINE", "1")
    put(asset.home)
    assert obtain(asset) == asset.home


def test_a_file_without_an_address_names_kit_assets_as_the_way():
    with pytest.raises(AssetUnavailable, match=f"{NAME} has no public address: .*KIT_ASSETS"):
        obtain(asset_at(None))


def test_a_folder_that_cannot_be_written_is_one_clear_error(asset, tmp_path):
    put(tmp_path / "downloads", b"a file where the folder should be")
    with pytest.raises(AssetUnavailable, match=r"downloads cannot be written \(.+\)"):
        obtain(asset)


@pytest.mark.parametrize(("answer", "replaced"), [(whole, True), (altered, False)])
def test_a_damaged_file_is_replaced_by_an_intact_download_or_else_named(server, asset, answer, replaced):
    put(asset.home, b"damaged")
    server.answers = [answer]
    if replaced:
        assert obtain(asset).read_bytes() == BODY
    else:
        with pytest.raises(AssetUnavailable, match=f"damaged, so delete or replace: {re.escape(str(asset.home))}"):
            obtain(asset)


def test_two_downloads_at_once_both_succeed(server, asset, tmp_path):
    both_are_here = threading.Barrier(2)

    def together(request):
        both_are_here.wait(timeout=10)
        whole(request)

    server.answers = [together]
    paths = []
    threads = [threading.Thread(target=lambda: paths.append(obtain(asset))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths == [asset.home] * 2
    assert asset.home.read_bytes() == BODY
    assert everything_below(tmp_path) == [f"downloads/{NAME}"]


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize("way", ["download", "keep"])
def test_a_kept_file_can_be_read_by_everyone_as_in_a_shared_course_folder(asset, tmp_path, way):
    before = os.umask(0o022)
    try:
        path = obtain(asset) if way == "download" else keep(asset, put(tmp_path / "source"))
    finally:
        os.umask(before)
    assert oct(path.stat().st_mode & 0o777) == "0o644"


def test_keep_copies_the_whole_file_and_leaves_nothing_else(asset, tmp_path):
    source = put(tmp_path / "usb" / "renamed.bin")
    put(asset.home, b"damaged")
    assert keep(asset, source).read_bytes() == BODY
    assert everything_below(tmp_path) == [f"downloads/{NAME}", "usb/renamed.bin"]


def test_keep_leaves_nothing_behind_when_the_copy_fails(asset, tmp_path):
    with pytest.raises(FileNotFoundError):
        keep(asset, tmp_path / "nowhere")
    assert everything_below(tmp_path) == []


# --- files that are here already


@pytest.mark.parametrize("place", [NAME, f"one/{NAME}", f"one/two/{NAME}"])
@pytest.mark.parametrize("form", ["{folder}", "{other}{sep}{folder}", "folder"])
def test_kit_assets_finds_a_file_up_to_two_levels_below_each_of_its_folders(monkeypatch, tmp_path, place, form):
    path = put(tmp_path / "folder" / place)
    (tmp_path / "other").mkdir()
    names = form.format(folder=tmp_path / "folder", other=tmp_path / "other", sep=os.pathsep)
    monkeypatch.setenv("KIT_ASSETS", names)
    assert find(asset_at(None)) == path
    assert obtain(asset_at(None)) == path


def test_a_file_three_levels_below_is_not_searched_for(monkeypatch, tmp_path):
    put(tmp_path / "folder" / "one" / "two" / "three" / NAME)
    monkeypatch.setenv("KIT_ASSETS", str(tmp_path / "folder"))
    assert find(asset_at(None)) is None


def test_the_first_folder_of_kit_assets_wins_over_the_second_and_over_the_download(monkeypatch, tmp_path):
    first, second = put(tmp_path / "first" / NAME), put(tmp_path / "second" / NAME)
    put(asset_at(None).home)
    monkeypatch.setenv("KIT_ASSETS", f"{first.parent}{os.pathsep}{second.parent}")
    assert find(asset_at(None)) == first


def test_a_relative_folder_in_kit_assets_may_start_at_the_kit(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "KIT", tmp_path / "kit")
    path = put(tmp_path / "kit" / "beside" / NAME)
    monkeypatch.setenv("KIT_ASSETS", "beside")
    assert find(asset_at(None)) == path


def test_a_missing_folder_in_kit_assets_is_a_clear_error(monkeypatch, tmp_path):
    monkeypatch.setenv("KIT_ASSETS", f"{tmp_path}{os.pathsep}nowhere")
    with pytest.raises(FileNotFoundError, match=r"'nowhere' does not exist: correct or unset KIT_ASSETS"):
        find(asset_at(None))


def test_a_damaged_file_in_kit_assets_is_passed_over(monkeypatch, tmp_path):
    put(tmp_path / "first" / NAME, BODY[:-1])
    intact = put(tmp_path / "second" / NAME)
    monkeypatch.setenv("KIT_ASSETS", f"first{os.pathsep}second")
    assert find(asset_at(None)) == intact


def test_a_folder_of_the_files_name_is_passed_over(monkeypatch, tmp_path):
    (tmp_path / "folder" / NAME).mkdir(parents=True)
    monkeypatch.setenv("KIT_ASSETS", "folder")
    assert find(asset_at(None)) is None


# --- the command line


@pytest.fixture
def run(monkeypatch):
    """Run `python -m data ...` in this process; the exit code."""

    def main(*arguments):
        monkeypatch.setattr(sys, "argv", ["data", *map(str, arguments)])
        try:
            return command_line.main()
        except SystemExit as end:
            return end.code

    return main


@pytest.fixture
def table(monkeypatch, tmp_path, server):
    """A table of two files, the second without an address, in place of the kit's."""
    entry = f'sha256 = "{hashlib.sha256(BODY).hexdigest()}"\nsize = {len(BODY)}\nkeep = "kit"\nlicence = "CC0"\n'
    text = f'["{NAME}"]\nurl = "{server.url}"\n{entry}attribution = "nobody"\n'
    text += f'["private.bin"]\n{entry}attribution = "somebody"\n'
    monkeypatch.setattr(assets, "ASSETS", put(tmp_path / "assets.toml", text.encode()))


@pytest.mark.usefixtures("table")
def test_fetch_downloads_what_has_an_address_and_says_so(run, capsys, tmp_path):
    assert run("fetch") == 0
    assert (tmp_path / "downloads" / NAME).read_bytes() == BODY
    assert f"ready    {NAME}  {tmp_path / 'downloads' / NAME}" in capsys.readouterr().out


@pytest.mark.usefixtures("table")
def test_fetch_asks_the_server_once_and_keeps_what_is_there(run, server):
    assert (run("fetch"), run("fetch"), server.requests) == (0, 0, 1)


@pytest.mark.usefixtures("table")
def test_fetch_repeats_a_failed_download(run, server):
    server.answers = [broken, broken, whole]
    assert run("fetch", NAME) == 0


@pytest.mark.usefixtures("table")
def test_fetch_reports_every_missing_file_and_exits_with_1(run, capsys, server):
    server.answers = [not_found]
    assert run("fetch", NAME, "private.bin") == 1
    errors = capsys.readouterr().err
    assert f"missing  {NAME} could not be downloaded" in errors
    assert "missing  private.bin has no public address" in errors
    assert "Traceback" not in errors


@pytest.mark.usefixtures("table")
def test_fetch_from_a_folder_copies_intact_files_and_needs_no_server(run, server, tmp_path):
    put(tmp_path / "usb" / NAME)
    put(tmp_path / "usb" / "course" / "private.bin")
    assert run("fetch", "--from", "usb") == 0
    assert everything_below(tmp_path / "downloads") == [NAME, "private.bin"]
    assert {path.read_bytes() for path in (tmp_path / "downloads").iterdir()} == {BODY}
    assert server.requests == 0


@pytest.mark.usefixtures("table")
def test_fetch_from_a_folder_never_copies_an_altered_file(run, server, tmp_path):
    put(tmp_path / "usb" / NAME, b"altered")
    put(tmp_path / "usb" / "private.bin", b"altered")
    server.answers = [not_found]
    assert run("fetch", "--from", "usb") == 1
    assert everything_below(tmp_path / "downloads") == []


@pytest.mark.usefixtures("table")
def test_fetch_copies_what_kit_assets_holds(run, monkeypatch, server, tmp_path):
    put(tmp_path / "folder" / NAME)
    monkeypatch.setenv("KIT_ASSETS", "folder")
    assert run("fetch", NAME) == 0
    assert (tmp_path / "downloads" / NAME).read_bytes() == BODY
    assert server.requests == 0


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("source", ["the server", "a folder"])
def test_fetch_says_when_the_downloads_folder_cannot_be_written(run, capsys, tmp_path, source):
    put(tmp_path / "downloads", b"a file where the folder should be")
    put(tmp_path / "usb" / NAME)
    assert run("fetch", NAME, *(["--from", "usb"] if source == "a folder" else [])) == 1
    assert "downloads cannot be written" in capsys.readouterr().err


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fetch", "nonsense.jpg"], f"unknown file nonsense.jpg: choose from {NAME}, private.bin"),
        (["fetch", "--from", "nowhere"], "--from nowhere: there is no such folder"),
        ([], "required: command"),
        (["erase"], "erase"),
    ],
)
def test_a_wrong_command_is_refused_with_exit_code_2_before_any_download(run, capsys, server, arguments, message):
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err
    assert server.requests == 0


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("command", ["fetch", "status"])
def test_a_wrong_kit_assets_is_explained_and_not_a_traceback(run, capsys, monkeypatch, command):
    monkeypatch.setenv("KIT_ASSETS", "nowhere")
    assert run(command) == 2
    assert "'nowhere' does not exist: correct or unset KIT_ASSETS" in capsys.readouterr().err


def test_status_lists_every_file_and_the_weights_that_would_be_used(run, capsys, monkeypatch):
    # the kit's own table: nothing of it is on this empty machine, except one damaged file
    damaged = put(assets.read_assets()["tubingen.jpg"].home, b"damaged")
    monkeypatch.setattr(assets, "fetch", lambda *_: pytest.fail("status must not download"))
    assert run("status") == 0
    *lines, last = capsys.readouterr().out.splitlines()
    for asset in assets.read_assets().values():
        (line,) = [line for line in lines if asset.name in line]
        assert line.startswith("damaged" if asset.home == damaged else "missing")
        assert any(asset.attribution in line and asset.licence in line for line in lines)
    assert last.startswith("load_model() without a download: the shipped weights")


@pytest.mark.usefixtures("table")
def test_status_names_files_that_are_ready_and_the_weights_of_kit_weights(run, capsys, monkeypatch, tmp_path):
    put(tmp_path / "folder" / NAME)
    weights = put(tmp_path / "mine.safetensors", SHIPPED_WEIGHTS.read_bytes())
    monkeypatch.setenv("KIT_ASSETS", "folder")
    monkeypatch.setenv("KIT_WEIGHTS", "mine.safetensors")
    assert run("status") == 0
    output = capsys.readouterr().out
    assert re.search(rf"ready +{NAME} .* {re.escape(str(tmp_path / 'folder' / NAME))}\n", output)
    assert f"load_model() without a download: the weights in {weights}, named in KIT_WEIGHTS." in output


def test_python_m_data_runs_as_a_program(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["data", "fetch", "nonsense.jpg"])
    monkeypatch.delitem(sys.modules, "data.__main__")
    with pytest.raises(SystemExit) as end:
        runpy.run_module("data", run_name="__main__")
    assert end.value.code == 2
    assert "unknown file nonsense.jpg" in capsys.readouterr().err


# --- the table of files


@pytest.mark.parametrize("asset", assets.read_assets().values(), ids=lambda asset: asset.name)
def test_every_listed_file_can_be_checked_and_credited(asset):
    assert re.fullmatch("[0-9a-f]{64}", asset.sha256)
    assert 10_000 < asset.size < 10_000_000
    assert asset.keep in ("kit", "torch")
    assert len(asset.licence) > 5
    assert len(asset.attribution) > 20
    assert asset.url is None or re.fullmatch(r"https?://[\w./-]+", asset.url)


def test_no_two_listed_files_are_the_same():
    table = assets.read_assets().values()
    assert len({asset.sha256 for asset in table}) == len(table)


def test_the_listed_weights_are_torchvisions_own():
    url = SqueezeNet1_1_Weights.IMAGENET1K_V1.url
    asset = assets.read_assets()[Path(url).name]
    assert asset.url == url
    assert asset.keep == "torch"
    assert asset.sha256.startswith(Path(url).stem.split("-")[1])


@pytest.mark.skipif(not COURSE.is_dir(), reason="the course's files are not beside this checkout")
def test_the_listed_sizes_and_hashes_fit_the_course_files(monkeypatch):
    monkeypatch.setenv("KIT_ASSETS", str(COURSE))
    found = {asset: path for asset in assets.read_assets().values() if (path := find(asset))}
    assert len(found) >= 6, "every file but torchvision's own weights"
    assert {asset.name: path.stat().st_size for asset, path in found.items()} == {
        asset.name: asset.size for asset in found
    }


def test_a_reason_is_given_whole_and_in_a_notebook_in_few_words_and_once(monkeypatch):
    reason = assets.AssetUnavailable("the whole reason", "few words")
    monkeypatch.setattr(assets, "APOLOGIZED", set())
    monkeypatch.setitem(sys.modules, "ipykernel", object())  # imported by somebody, but no notebook runs
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert [assets.once(reason), assets.once(reason)] == [" (the whole reason)"] * 2
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=object))
    assert [assets.once(reason), assets.once(reason)] == [" (few words)", ""]

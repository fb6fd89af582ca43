"""Certificates for tests that need one that ends at a certain time; made by the openssl program."""
import datetime
import subprocess

CONFIG = """[ca]
default_ca = own
[own]
database = {0}/index
serial = {0}/serial
new_certs_dir = {0}
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


def self_signed(folder, start, end):
    """(certificate, private key) in PEM. folder: an empty one; start, end: as 20260102030405Z."""
    key, request, certificate, config = (folder / name for name in ("key", "request", "certificate", "config"))
    config.write_text(CONFIG.format(folder))
    (folder / "index").write_text("")
    (folder / "serial").write_text("01\n")
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    _openssl("req", "-new", "-key", key, "-subj", "/CN=test", "-out", request)
    _openssl("ca", "-batch", "-selfsign", "-notext", "-config", config, "-keyfile", key, "-in", request,
             "-startdate", start, "-enddate", end, "-out", certificate)
    return certificate.read_text(), key.read_text()


def ending_in(folder, days):
    """The same, valid from 2020 until so many days from now."""
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    folder.mkdir()
    return self_signed(folder, "20200101000000Z", end.strftime("%Y%m%d%H%M%SZ"))

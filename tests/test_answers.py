import requests

from tests.answers import saying


def test_what_is_said_arrives_though_the_request_is_not_read():
    # More than the system holds: the rest waits for us to read.
    said = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bytes(1_000_000)
    with saying(said) as url:
        response = requests.post(url, data=bytes(200_000), stream=True, timeout=5)
        assert len(response.content) == 1_000_000

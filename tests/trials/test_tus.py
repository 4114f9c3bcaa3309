"""The protocol, row by row: what each request answers, and with which head."""

import hashlib

from tests.trials.tus import checksum

DATA = b"Date Time;SNR\n01/02/2023 10:00;7,5\n02/02/2023 10:00;8,25\n"


async def test_a_file_arrives_in_pieces_and_becomes_a_result(tus, client):
    at = await tus.at(len(DATA))

    first = await tus.patch(at, 0, DATA[:10])
    half = await tus.head(at)
    last = await tus.patch(at, 10, DATA[10:], checksum(DATA[10:]))

    assert (first.status_code, first.headers["upload-offset"]) == (204, "10")
    assert (half.status_code, half.headers["upload-offset"], half.headers["upload-length"]) == (
        200,
        "10",
        str(len(DATA)),
    )
    assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(DATA))), last.text
    code = (await tus.state(at))["result"]
    assert last.headers["link"] == f'</results/{code}>; rel="related"'
    result = (await client.get(f"/results/{code}", headers=tus.who)).json()
    assert result["sha256"] == hashlib.sha256(DATA).hexdigest()

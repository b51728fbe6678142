import pytest

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("n", range(20))
async def test_x(shop, n):
    p = await shop.product()
    assert p["id"] == 1
    o = await shop.order((p, 2))
    await shop.confirm(o)

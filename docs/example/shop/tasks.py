from shop.celery import app
from shop.database import Session
from shop.running import run


async def load_order(pk):
    async with Session() as session:
        return await session.get(dict, pk)


@app.task
def refresh_order(pk):
    return run(load_order(pk))

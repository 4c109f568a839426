"""Asynchronous clients and pools that belong to the event loop of their first use, by dotted path.

A path that ends in ``()`` is what the call gives. Each was tried on several loops, one after another.
"""

from __future__ import annotations

_REDIS = ("redis.asyncio", "redis.asyncio.client", "aioredis")
_REDIS_CLIENTS = tuple(f"{module}.{name}" for module in _REDIS for name in ("Redis", "StrictRedis"))
_REDIS_POOLS = tuple(
    f"redis.asyncio.{module}{name}"
    for module in ("", "connection.")
    for name in ("ConnectionPool", "BlockingConnectionPool")
)
#: Clients of MongoDB, and their methods that give a part of the client.
MONGO = frozenset(
    {
        "motor.motor_asyncio.AsyncIOMotorClient()",
        "pymongo.AsyncMongoClient()",
        "pymongo.asynchronous.mongo_client.AsyncMongoClient()",
    }
)
MONGO_PARTS = ("get_database", "get_default_database", "get_collection")
_POOLED = frozenset(
    {
        "httpx.AsyncClient()",
        "elasticsearch.AsyncElasticsearch()",
        "aioredis.create_redis_pool()",
        *(f"{module}.from_url()" for module in ("redis.asyncio", "aioredis")),
        *(f"{name}{made}" for name in (*_REDIS_CLIENTS, *_REDIS_POOLS) for made in ("()", ".from_url()")),
    }
)
#: Objects that own the clients of a provider. Only the methods of their asynchronous side use these.
OWNERS = frozenset(
    {
        "langchain_openai.AzureChatOpenAI()",
        "langchain_openai.ChatOpenAI()",
        "langchain_openai.OpenAIEmbeddings()",
        # Version 2 keeps a client for each loop, version 1 one for the process.
        "pydantic_ai.Agent()",
    }
)
#: These try again whatever fails, and their second try opens a connection on the loop that runs: only with
#: ``max_retries=0`` does anything fail (anthropic, openai up to 3.14.0, what langchain makes of it). From
#: 3.14.1 of openai on only errors of the network are tried again, so that every second request fails; which
#: one runs is seldom known.
RETRYING = frozenset(
    {
        "anthropic.AsyncAnthropic()",
        "langchain_openai.AzureChatOpenAI()",
        "langchain_openai.ChatOpenAI()",
        "langchain_openai.OpenAIEmbeddings()",
        "openai.AsyncOpenAI()",
        "openai.AsyncAzureOpenAI()",
    }
)
RETRYING_NAMES = frozenset(name.removesuffix("()").rpartition(".")[2] for name in RETRYING)
#: The second loop fails, or the pool runs dry.
LOOP_BOUND = (
    MONGO
    | _POOLED
    | OWNERS
    | {
        "aiohttp.ClientSession()",
        "aiohttp.client.ClientSession()",
        "asyncpg.create_pool()",
        "aiomysql.create_pool()",
        "asyncmy.create_pool()",
        "psycopg_pool.AsyncConnectionPool()",
        "databases.Database()",
        "databases.core.Database()",
        "anthropic.AsyncAnthropic()",
        "openai.AsyncOpenAI()",
        "openai.AsyncAzureOpenAI()",
        "aio_pika.connect_robust()",
        "aiogram.Bot()",
        "grpc.aio.insecure_channel()",
        "grpc.aio.secure_channel()",
        "telegram.Bot()",
        "telethon.TelegramClient()",
        "telethon.client.telegramclient.TelegramClient()",
        "langgraph.checkpoint.postgres.aio.AsyncPostgresSaver()",
    }
)
#: Words of files that what tasks run coroutines of calls into, and that matter to event loops: (name, leaf).
LOOP_WORDS = frozenset(
    ("from_url" if ".from_url" in name else name[:-2].rpartition(".")[2], name.partition(".")[0])
    for name in LOOP_BOUND
) | frozenset(
    (kind, "asyncio") for kind in ("Lock", "Semaphore", "BoundedSemaphore", "Event", "Condition", "Queue")
)
#: These are refused where no loop runs, or do nothing before they are awaited: a plain function has none.
MADE_ON_A_LOOP = frozenset(
    {
        "aiohttp.ClientSession()",
        "aiohttp.client.ClientSession()",
        "asyncpg.create_pool()",
        "aiomysql.create_pool()",
        "asyncmy.create_pool()",
        "psycopg_pool.AsyncConnectionPool()",
        "aio_pika.connect_robust()",
        "langgraph.checkpoint.postgres.aio.AsyncPostgresSaver()",
    }
)
#: Dropped without being closed, these keep their sockets (and some their threads) until cycles are collected.
LEFT_OPEN = MONGO | _POOLED | {"asyncpg.create_pool()", "asyncpg.pool.create_pool()"}
#: These draw their connections from what they are given.
BORROWERS = frozenset({*_REDIS_CLIENTS, "langgraph.checkpoint.postgres.aio.AsyncPostgresSaver"})
#: What a borrower is given by: its first argument, or one of these keywords.
GIVEN_BY = frozenset({"", "bind", "connection_pool", "conn"})
#: Methods of engines and clients that give connections back for good.
RELEASES = frozenset({"dispose", "aclose", "close", "disconnect", "terminate"})

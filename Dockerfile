# One image for web, door, worker, beat and migrate: the command says which.
FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /srv/registry
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY registry registry
COPY workers workers
COPY surveys surveys
COPY migrations migrations
RUN pip install --no-deps . && useradd --system --create-home registry \
    && install -d -o registry -g registry /var/lib/registry
USER registry
ENTRYPOINT ["registry"]
CMD ["--help"]

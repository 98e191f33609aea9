# syntax=docker/dockerfile:1
# One file for every image. `docker build --build-arg SERVICE=customers .` makes that service's; it holds the code
# of no other service. `--target gateway` makes the gateway's. docker-compose.yml builds them all.

FROM node:24-slim AS assets
WORKDIR /assets
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM caddy:2-alpine AS gateway
COPY --from=assets /assets/node_modules /srv/assets
COPY shared/ui/static /srv/static
COPY gateway/errors /srv/errors
COPY gateway/Caddyfile /etc/caddy/Caddyfile
RUN adduser -D -H -u 10001 liaison && chown -R liaison /data /config
USER 10001
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]

FROM python:3.13-slim AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/image.txt /tmp/image.txt
RUN python -m venv /venv && /venv/bin/pip install --require-hashes -r /tmp/image.txt

FROM python:3.13-slim AS service
ARG SERVICE
RUN test -n "$SERVICE" || (echo "Say which service: --build-arg SERVICE=customers" && exit 1)
RUN useradd --system --uid 10001 --no-create-home liaison && mkdir /keys /files /welcome && chown liaison /keys /files /welcome
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /app
COPY --from=packages /venv /venv
COPY shared ./shared
COPY services/__init__.py ./services/
COPY services/${SERVICE} ./services/${SERVICE}
RUN python -m compileall -q .
USER 10001
EXPOSE 8000

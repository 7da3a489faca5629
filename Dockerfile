# JupyterLab with the course and the packages of its lock, for a user who isn't root:
#
#     docker build --tag reading-digits .
#     docker run --rm --publish 8888:8888 reading-digits
#
# Binder and repo2docker build this file too, and .devcontainer/ starts from it.
FROM python:3.13-slim

# Binder passes both. These are what JupyterHub on Kubernetes expects.
ARG NB_USER=jovyan
ARG NB_UID=1000

# git: for a devcontainer, and for what a hub pulls into a user's folder.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --shell /bin/bash --uid "${NB_UID}" "${NB_USER}" \
    && mkdir /opt/course \
    && chown "${NB_UID}" /opt/course

# No step after this one needs root. What a user installs goes into the same environment.
USER ${NB_UID}
ENV HOME=/home/${NB_USER} VIRTUAL_ENV=/opt/course PATH=/opt/course/bin:${PATH} UV_NO_CACHE=1

# The packages are a layer of their own, several GB, which a change of the course leaves alone.
COPY requirements.txt /tmp/
RUN python3 -m venv /opt/course \
    && pip install --no-cache-dir "$(grep --only-matching '^uv==[0-9.]*' /tmp/requirements.txt)" \
    && uv pip sync --require-hashes /tmp/requirements.txt

# A hub needs this package in the image, in its own version: --build-arg JUPYTERHUB=...
ARG JUPYTERHUB=5.5.1
RUN uv pip install --constraint /tmp/requirements.txt "jupyterhub==${JUPYTERHUB}"

# Not in the home folder, which a hub covers with the user's volume.
COPY --chown=${NB_UID} . /srv/reading-digits
WORKDIR /srv/reading-digits
RUN uv pip install --no-deps --no-build-isolation .

EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser"]

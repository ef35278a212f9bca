"""The console: what IT staff, auditors and clerks open in the morning. File = route = template.

    page.py      what a page is, and what its handler is handed
    pages.py     the table of pages; each is declared once, served and tested for its roles from that
    serve.py     one request through its page: session, role, form, answer
    forms.py     reading forms and uploads
    sign_in.py   the door: /console/sign-in, /console/me
    NOUN.py      /console/NOUN, with templates/NOUN.html

Everything works without JavaScript; htmx only saves reloading. What a page may do is decided by the flows.
"""

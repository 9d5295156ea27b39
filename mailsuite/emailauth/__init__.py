"""
Is a message from whom it says: SPF, DKIM, DMARC, ARC and what they found.

Pure: what needs the DNS yields questions and takes the answers.
"""
